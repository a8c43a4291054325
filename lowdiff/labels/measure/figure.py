"""How big the figure is, where it stands and how strong its colours are; pure functions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.measure.colour import GREY_CHROMA, Floats, chroma, oklab, shares_of_names
from lowdiff.ocr.components import find_components

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SMALL_SHARE, LARGE_SHARE, FULL_SHARE = 0.1, 1 / 3, 0.95
"""Bounds of `figure_size`, as shares of the image's area; the label schema tells the same."""
JOIN_SHARE = 0.02
"""Parts nearer than twice this share of the longer side belong to one figure."""
LEAST_FIGURE = 0.25
"""A part smaller than this share of the largest one is a detail, no figure."""
OFF_CENTRE = 0.1
"""The mass is off centre when its middle is further from the image's middle (share of a side)."""
COLOURED, STRONG = GREY_CHROMA, 0.12
"""OKLab chroma above which a pixel has a colour at all, and a strong one."""
LEAST_COLOURED, LEAST_STRONG = 0.03, 0.15
"""Shares of the figure: below the first it is grey, from the second on vivid."""


@dataclass(frozen=True)
class Measured:
    """A value with how sure the measurement is."""

    value: str
    confidence: float


@dataclass(frozen=True)
class FigureBox:
    """One figure; shares of the image's width and height, 0..1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def centre(self) -> tuple[float, float]:
        """x and y of the middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


def figure_boxes(figure: Mask) -> list[FigureBox]:
    """The figures of a mask (h, w), the largest first; near parts are one figure."""
    height, width = figure.shape
    reach = max(1, round(JOIN_SHARE * max(figure.shape)))
    blobs = find_components(_grown(figure, reach))
    if len(blobs) == 0:
        return []
    blobs = blobs.keep(blobs.area >= LEAST_FIGURE * blobs.area.max())
    order = np.lexsort((blobs.left, blobs.top, -blobs.area))
    return [
        FigureBox(
            left=max(0, int(blobs.left[at]) + reach * (blobs.left[at] > 0)) / width,
            top=max(0, int(blobs.top[at]) + reach * (blobs.top[at] > 0)) / height,
            right=(int(blobs.right[at]) - reach * (blobs.right[at] < width)) / width,
            bottom=(int(blobs.bottom[at]) - reach * (blobs.bottom[at] < height)) / height,
        )
        for at in order
    ]


def _grown(mask: Mask, reach: int) -> Mask:
    """Every pixel within `reach` of the mask, along rows and columns."""
    grown = np.pad(mask, reach)
    for axis in (0, 1):
        total = np.cumsum(grown, axis=axis, dtype=np.int32)
        size = grown.shape[axis]
        ahead = np.take(total, np.minimum(np.arange(size) + reach, size - 1), axis=axis)
        behind = np.take(total, np.maximum(np.arange(size) - reach - 1, 0), axis=axis)
        grown = ahead > behind
    return np.asarray(grown[reach:-reach, reach:-reach])


def measure_size(figure: Mask) -> Measured:
    """`figure_size`: the share of the image (h, w) that the figures take together."""
    share = float(figure.mean())
    bounds = (SMALL_SHARE, LARGE_SHARE, FULL_SHARE)
    value = ("small", "medium", "large", "full")[sum(share >= bound for bound in bounds)]
    margin = min(abs(share - bound) for bound in bounds)
    return Measured(value, _sure(margin / 0.03))


def measure_layout(figure: Mask, boxes: list[FigureBox]) -> Measured:
    """`layout`: full-bleed, grid, scattered, or where the mass of the figure lies."""
    if not boxes:
        return Measured("centred", 0.3)
    sides = [figure[0], figure[-1], figure[:, 0], figure[:, -1]]
    covered = min(float(side.mean()) for side in sides)
    if covered >= 0.5:
        return Measured("full-bleed", _sure((covered - 0.5) / 0.3))
    if len(boxes) >= 3:
        return Measured("grid", 0.8) if is_grid(boxes) else Measured("scattered", 0.6)
    height, width = figure.shape
    ys, xs = np.nonzero(figure)
    off_x, off_y = (xs.mean() + 0.5) / width - 0.5, (ys.mean() + 0.5) / height - 0.5
    furthest = max(abs(off_x), abs(off_y))
    sure = _sure(abs(furthest - OFF_CENTRE) / 0.04)
    if furthest <= OFF_CENTRE:
        return Measured("centred", sure)
    if abs(off_x) >= abs(off_y):
        return Measured("left" if off_x < 0 else "right", sure)
    return Measured("top" if off_y < 0 else "bottom", sure)


def is_grid(boxes: list[FigureBox]) -> bool:
    """True when the middles of the figures make full rows and columns."""
    across = float(np.median([box.right - box.left for box in boxes]))
    down = float(np.median([box.bottom - box.top for box in boxes]))
    columns = _groups([box.centre[0] for box in boxes], tolerance=across / 3)
    rows = _groups([box.centre[1] for box in boxes], tolerance=down / 3)
    return columns * rows == len(boxes)


def _groups(values: list[float], *, tolerance: float) -> int:
    ordered = np.sort(values)
    return 1 + int((np.diff(ordered) > tolerance).sum())


def measure_saturation(lab: Floats) -> Measured:
    """`saturation` of the figure's pixels (n, 3) in OKLab."""
    if len(lab) == 0:
        return Measured("grey", 0.3)
    strength = chroma(lab)
    coloured, strong = float((strength > COLOURED).mean()), float((strength > STRONG).mean())
    if strong >= LEAST_STRONG:
        return Measured("vivid", _sure((strong - LEAST_STRONG) / 0.15))
    if coloured < LEAST_COLOURED:
        return Measured("grey", _sure((LEAST_COLOURED - coloured) / 0.02))
    margin = min((LEAST_STRONG - strong) / 0.1, (coloured - LEAST_COLOURED) / 0.05)
    return Measured("muted", _sure(margin))


def main_colours(lab: Floats) -> tuple[str, ...]:
    """Up to three colour names of the figure's pixels (n, 3), the most frequent first.

    Black must take more than others: it is in every outline.
    """
    shares = shares_of_names(lab)
    chosen = [name for name, share in shares.items() if share >= (0.25 if name == "black" else 0.1)]
    return tuple(chosen[:3]) or tuple(shares)[:1]


def figure_pixels(rgba: Bytes, figure: Mask) -> Floats:
    """OKLab (n, 3) of the visible pixels of the figure."""
    return oklab(rgba[..., :3][figure & (rgba[..., 3] >= 128)])


def _sure(margin: float) -> float:
    """Confidence from 0.55 at a bound to 0.95 at a margin of 1 and beyond."""
    return round(float(0.55 + 0.4 * np.clip(margin, 0, 1)), 4)
