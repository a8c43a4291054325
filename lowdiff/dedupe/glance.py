"""A glance at many pairs at once: whether the first look is worth its milliseconds.

It knows the views and a tiny picture of the content from the fingerprints, unpacks nothing, and
takes some microseconds a pair.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.views import turned_views

TILE = 16
COLOURS = 8
TILE_BYTES = TILE * TILE + 2 * COLOURS * COLOURS
NUMBERS = (
    "likeness",
    "second_likeness",
    "whole_likeness",
    "content_likeness",
    "turned_likeness",
    "tile",
    "turned_tile",
    "tile_peak",
    "tile_apart",
    "colours",
    "colour_peak",
    "aspect",
    "size",
    "grounds",
)
"""What a glance tells of a pair, in this order; cosines, correlations and distances."""
_AS_LIKELY = 0.1
"""A turn must fit better by this much to be taken."""

Floats = NDArray[np.float32]


class Glanced:
    """What a glance needs of one image."""

    def __init__(
        self, views: NDArray[np.int8], tile: bytes, box: tuple[int, int, int, int]
    ) -> None:
        self.views = views
        left, top, right, bottom = box
        self.shape = np.log([right - left, bottom - top])
        packed = np.frombuffer(tile, np.uint8).astype(np.float32)
        lightness = packed[: TILE * TILE] - packed[: TILE * TILE].mean()
        self.tile = lightness / (lightness.std() + np.float32(1))
        self.colours = packed[TILE * TILE :].reshape(COLOURS * COLOURS, 2)


def tile_of(rgb: NDArray[np.uint8], box: tuple[int, int, int, int]) -> bytes:
    """The content of a picture as a tiny square of lightness and a tinier one of colours."""
    left, top, right, bottom = box
    content = rgb[top:bottom, left:right]
    sizes = (TILE, COLOURS)
    small = [cv2.resize(content, (side, side), interpolation=cv2.INTER_AREA) for side in sizes]
    lightness, colours = (
        np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2LAB), np.uint8) for square in small
    )
    return bytes(lightness[..., 0].tobytes() + colours[..., 1:].tobytes())


def glance(ones: Sequence[Glanced], others: Sequence[Glanced]) -> NDArray[np.float64]:
    """The numbers of each pair of the two lists: (pairs, numbers)."""
    views_a, views_b = (_stack([one.views for one in side]) / 127 for side in (ones, others))
    cosines = views_a @ views_b.transpose(0, 2, 1)
    n = len(cosines)
    crossed = np.concatenate(
        [cosines[:, :2].reshape(n, -1), cosines[:, 2:, :2].reshape(n, -1)], axis=1
    )
    crossed.partition((-3, -1), axis=1)
    turns = turned_views(np.stack([one.views[1] for one in ones])).astype(np.float32) / 127
    tiles_a, tiles_b = (_stack([one.tile for one in side]) for side in (ones, others))
    fits = np.einsum("ntk,nk->nt", tiles_a[:, _TILES], tiles_b) / (TILE * TILE)
    turn = (fits - _AS_LIKELY * (np.arange(8) > 0)).argmax(1)
    rows = np.arange(n)[:, None]
    apart = np.abs(tiles_a[rows, _TILES[turn]] - tiles_b)
    colours_a, colours_b = (_stack([one.colours for one in side]) for side in (ones, others))
    shades = colours_a[rows, _SHADES[turn]] - colours_b
    distance = np.hypot(shades[..., 0], shades[..., 1])
    shape_a, shape_b = (np.stack([one.shape for one in side]) for side in (ones, others))
    stretch = np.abs((shape_a - shape_b) @ (1, -1))
    swapped = np.abs((shape_a - shape_b[:, ::-1]) @ (1, -1))
    clear = [np.array([bool(one.views[-1].any()) for one in side]) for side in (ones, others)]
    return np.stack(
        [
            crossed[:, -1],
            crossed[:, -3],
            cosines[:, 0, 0],
            cosines[:, 1, 1],
            (turns @ views_b[:, 1, :, None]).max((1, 2)),
            fits[:, 0],
            fits.max(1),
            apart.max(1),
            apart.mean(1),
            distance.mean(1),
            distance.max(1),
            np.where(turn >= 4, swapped, stretch),
            np.abs((shape_a - shape_b).sum(1)),
            clear[0] != clear[1],
        ],
        axis=1,
    ).astype(np.float64)


def _stack(arrays: Sequence[NDArray[np.generic]]) -> Floats:
    return np.stack(arrays).astype(np.float32)


def _turns(side: int) -> NDArray[np.intp]:
    """For each of eight turns, which pixel of a square comes where; the last four swap axes."""
    square = np.arange(side * side).reshape(side, side)
    ways = []
    for turn in range(8):
        swapped = square.T if turn >= 4 else square
        down, right = (-1 if turn & 1 else 1), (-1 if turn & 2 else 1)
        ways.append(swapped[::down, ::right].ravel())
    return np.stack(ways)


_TILES, _SHADES = _turns(TILE), _turns(COLOURS)
