"""Positions as rotations of queries and keys.

Source: Su et al. 2021, arXiv:2104.09864: after rotation the product of a query and a key depends on
how far apart they stand, not on where.
"""

import torch
from jaxtyping import Float
from torch import Tensor

SLOWEST = 1e-3
"""Radians per step of the slowest pair of channels; the fastest turns by one radian."""


def angles_1d(positions: Float[Tensor, " n"], width: int) -> Float[Tensor, "n half"]:
    """The angle of each pair of channels at each position.

    Args:
        width: channels of a head; even.
    """
    pairs = width // 2
    exponent = torch.arange(pairs, device=positions.device) / max(pairs - 1, 1)
    return positions[:, None].float() * SLOWEST**exponent


def angles_2d(height: int, width: int, channels: int, *, device: torch.device) -> Tensor:
    """The angles of a map's cells, row by row: half of the pairs tell the row, half the column.

    Args:
        channels: of a head; a multiple of 4.
    """
    rows = angles_1d(torch.arange(height, device=device).float(), channels // 2)
    columns = angles_1d(torch.arange(width, device=device).float(), channels // 2)
    both = torch.cat(
        [
            rows[:, None].expand(height, width, -1),
            columns[None].expand(height, width, -1),
        ],
        dim=-1,
    )
    return both.flatten(0, 1)


def rotate(
    x: Float[Tensor, "b heads n d"], angles: Float[Tensor, "n half"]
) -> Float[Tensor, "b heads n d"]:
    """Turn each pair of channels (one of the first half, one of the second) by its angle."""
    first, second = x.float().chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    turned = torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return turned.to(x.dtype)
