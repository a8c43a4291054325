"""A small net that learns to see without labels: two looks at one picture lie near each other.

Source: Chen et al. 2020, arXiv:2002.05709 (SimCLR), in a small form. Colours are hardly changed
between the looks: a net that is taught to overlook colours is blind to those of a brand.
"""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

SCALE = (0.5, 1.0)
"""Area of a look as a share of the picture."""
ASPECT = 4 / 3
LIGHT, TINT = 0.1, 0.1
"""How much brightness and contrast, and single colour channels, change from look to look."""


class Eye(nn.Module):
    """Four convolutional stages; what it sees is the mean of the last two over the picture.

    Args:
        channels: of the stages; the sides are 1/2, 1/4, 1/8 and 1/16 of the picture's.
        head_width: of the space in which looks are compared while it learns.
    """

    def __init__(
        self, channels: tuple[int, int, int, int] = (32, 64, 128, 192), *, head_width: int = 64
    ) -> None:
        super().__init__()
        self.fold = nn.PixelUnshuffle(2)
        sizes = (12, *channels)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 3, stride=1 if index == 0 else 2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            )
            for index, (before, after) in enumerate(pairwise(sizes))
        )
        self.width = channels[2] + channels[3]
        self.head = nn.Sequential(
            nn.Linear(self.width, self.width), nn.ReLU(), nn.Linear(self.width, head_width)
        )

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Features of images in [-1, 1] whose sides are multiples of 2."""
        x = self.fold(images)
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x.float().mean((2, 3)))
        return torch.cat(found[2:], dim=1)

    def compared(self, features: Float[Tensor, "n d"]) -> Float[Tensor, "n e"]:
        """Unit vectors in which looks are compared while it learns; thrown away afterwards."""
        return nn.functional.normalize(self.head(features).float(), dim=-1)


def nt_xent(
    first: Float[Tensor, "b e"], second: Float[Tensor, "b e"], *, temperature: float = 0.2
) -> Float[Tensor, ""]:
    """How badly a look finds the other look at its picture among all; ln(2 b − 1) is chance.

    Args:
        first, second: unit vectors; row i of both are looks at picture i.
    """
    looks = torch.cat([first, second])
    count = len(first)
    similarity = looks @ looks.T / temperature
    itself = torch.eye(2 * count, dtype=torch.bool, device=looks.device)
    similarity = similarity.masked_fill(itself, -math.inf)
    partner = torch.arange(2 * count, device=looks.device).roll(count)
    return nn.functional.cross_entropy(similarity, partner)


def look(images: Float[Tensor, "b 3 h w"], generator: torch.Generator) -> Float[Tensor, "b 3 h w"]:
    """A random part of each image at full size, mirrored or not, in nearly its own colours."""
    count = len(images)

    def dice(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    area, aspect = dice(*SCALE), dice(-1, 1).mul(math.log(ASPECT)).exp()
    wide, high = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    mirror = torch.where(dice(0, 1) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = wide * mirror, high
    theta[:, 0, 2], theta[:, 1, 2] = dice(-1, 1) * (1 - wide), dice(-1, 1) * (1 - high)
    places = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    seen = nn.functional.grid_sample(
        images, places.to(images.device), padding_mode="border", align_corners=False
    )
    contrast = dice(1 - LIGHT, 1 + LIGHT)[:, None, None, None]
    tint = TINT * (2 * torch.rand(count, 3, 1, 1, generator=generator) - 1)
    light = dice(-LIGHT, LIGHT)[:, None, None, None]
    changed: Tensor = seen * contrast.to(images.device) + (tint + light).to(images.device)
    return changed.clamp(-1, 1)
