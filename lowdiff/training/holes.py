"""Holes that a denoiser learns to fill: random masks, and what it is told of them.

Source of telling a denoiser the mask and the masked picture as further input channels: Rombach et
al. 2022, arXiv:2112.10752, section 4.5; holes of several rectangles as in Saharia et al. 2022,
arXiv:2111.05826, section 4.3 (Palette).
"""

import torch
from jaxtyping import Float
from torch import Tensor

RECTANGLES = 3
"""At most; the first is always there."""
OFTEN = 0.5
"""How often each of the others is."""
SIDES = (0.15, 0.75)
"""Of a rectangle, as shares of the picture's."""
WHOLE = 0.1
"""So often nothing at all is known: the model keeps drawing from noise alone."""


def random_holes(
    count: int, size: tuple[int, int], generator: torch.Generator
) -> Float[Tensor, "b 1 h w"]:
    """Masks that are 1 where the picture is to be painted; on the generator's device.

    Args:
        size: height and width in latent cells.
    """
    device = generator.device
    drawn = torch.rand((RECTANGLES, 6, count), generator=generator, device=device)
    inside = torch.ones((RECTANGLES, count, *size), dtype=torch.bool, device=device)
    for axis, cells in enumerate(size):
        centre, length = drawn[:, axis], SIDES[0] + (SIDES[1] - SIDES[0]) * drawn[:, 2 + axis]
        at = (torch.arange(cells, device=device) + 0.5) / cells
        within = (at - centre[..., None]).abs() <= length[..., None] / 2
        inside &= within[..., :, None] if axis == 0 else within[..., None, :]
    there = drawn[:, 4] < OFTEN
    there[0] = True
    holes = (inside & there[..., None, None]).any(dim=0)
    holes |= (drawn[0, 5] < WHOLE)[:, None, None]
    return holes[:, None].float()


def told_of(
    holes: Float[Tensor, "b 1 h w"], data: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b e h w"]:
    """The channels that tell of a hole: the mask, and the latents outside of it."""
    return torch.cat([holes, data * (1 - holes)], dim=1)
