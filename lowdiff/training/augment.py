"""Augmented copies of the training images, each with the parameters that made it.

The denoiser is told the parameters, so it learns what an augmentation looks like without taking it
for the data; at sampling all are zero, which means the plain image. So nothing leaks into what it
draws. Source: Karras et al. 2020, arXiv:2006.06676, and 2022, arXiv:2206.00364, appendix F.2.
Latents are made once, so each image gets a few copies instead of a new one every time.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from lowdiff.models.presets import AugmentConfig

PARAMETERS = ("flip", "scale", "right", "down", "turn_cos", "turn_sin", "hue_cos", "hue_sin")
"""What a denoiser is told of a copy; all 0 for the plain image.

`flip` is 0 or 1, `scale` a base-2 logarithm, `right` and `down` shares of the picture's sides,
angles are told as cos - 1 and sin.
"""


class Copies(NamedTuple):
    """Augmented images and what was done to them."""

    images: UInt8[Tensor, "n h w 3"]
    parameters: Float[Tensor, "n p"]


def augmented(pixels: UInt8[Tensor, "n h w 3"], config: AugmentConfig, *, seed: int) -> Copies:
    """One augmented copy of every image; the same seed makes the same copies.

    Each kind of change is left out half the time, so that single changes are seen too.
    """
    generator = torch.Generator().manual_seed(seed)
    count = len(pixels)

    def draw(spread: float) -> Tensor:
        value = (2 * torch.rand(count, generator=generator) - 1) * spread
        return torch.where(torch.rand(count, generator=generator) < 0.5, value, 0.0)

    flip = (torch.rand(count, generator=generator) < 0.5).float() * float(config.flip)
    scale, right, down = draw(math.log2(1 + config.scale)), draw(config.shift), draw(config.shift)
    turn, hue = draw(math.radians(config.turn_deg)), draw(math.radians(config.hue_deg))
    images = pixels.permute(0, 3, 1, 2).float() / 255
    images = _turned_hue(images, hue)
    images = _moved(images, flip, scale, right, down, turn)
    parameters = torch.stack(
        [flip, scale, right, down, turn.cos() - 1, turn.sin(), hue.cos() - 1, hue.sin()], dim=1
    )
    whole = (images * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return Copies(whole.contiguous(), parameters)


def _moved(
    images: Tensor, flip: Tensor, scale: Tensor, right: Tensor, down: Tensor, turn: Tensor
) -> Tensor:
    """Mirror, turn, scale, then shift, on a white ground."""
    height, width = images.shape[-2:]
    aspect = width / height
    mirror, size = 1 - 2 * flip, torch.exp2(-scale)
    cos, sin = turn.cos() * size, turn.sin() * size
    # rows map a place of the new picture to the old one, both in [-1, 1]
    matrix = torch.stack(
        [
            torch.stack([mirror * cos, mirror * sin / aspect, torch.zeros_like(cos)], dim=1),
            torch.stack([-sin * aspect, cos, torch.zeros_like(cos)], dim=1),
        ],
        dim=1,
    )
    shift = torch.stack([-2 * right, -2 * down], dim=1)
    matrix[:, :, 2] = torch.einsum("nij,nj->ni", matrix[:, :, :2], shift)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    # grid_sample fills with zeros: white is put there by sampling the negative
    return 1 - F.grid_sample(1 - images, grid, mode="bilinear", align_corners=False)


def _turned_hue(images: Tensor, angle: Tensor) -> Tensor:
    """Turn the colours about the grey axis (Rodrigues' formula)."""
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    matrix = cos * torch.eye(3) + sin * cross + (1 - cos) * torch.full((3, 3), 1 / 3)
    return torch.einsum("nij,njhw->nihw", matrix, images).clamp(0, 1)
