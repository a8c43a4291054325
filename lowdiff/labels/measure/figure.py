"""How many figures there are, how big, and where they stand; pure functions.

By the definitions of the label schema: a group that touches is one figure; text is no figure;
without a figure the layout is where the words stand, and the size is small.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

SMALL_SHARE, LARGE_SHARE, FULL_SHARE = 0.1, 1 / 3, 0.95
"""Bounds of `figure_size`, as shares of the image's area; the label schema tells the same."""
JOIN_SHARE = 0.008
"""Parts nearer than twice this share of the longer side belong to one figure."""
LEAST_FIGURE = 0.16
"""A part smaller than this share of the largest one is a detail, no figure."""
LEAST_BESIDE_WORDS = 0.013
"""Beside words a part smaller than this share of the picture is a mark, no figure."""
OFF_CENTRE = 0.1
"""The mass is off centre when its middle is further from the image's middle (share of a side)."""


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


@dataclass(frozen=True)
class Figures:
    """The figures of an image, the largest first."""

    boxes: tuple[FigureBox, ...]
    mask: Mask
    """(h, w): their pixels, details left out."""
    areas: tuple[float, ...]
    """Share of the image that each takes."""
    detail: float
    """Area of the largest part that was left out, as a share of the largest figure."""

    @property
    def share(self) -> float:
        """Share of the image that they take together."""
        return float(self.mask.mean())


def find_figures(figure: Mask, *, has_words: bool = False) -> Figures:
    """The figures of a mask (h, w); near parts are one figure."""
    height, width = figure.shape
    reach = max(1, round(JOIN_SHARE * max(figure.shape)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    grown = cv2.dilate(figure.astype(np.uint8), kernel)
    number, labels = cv2.connectedComponents(grown, connectivity=8)
    labels = np.where(figure, labels, 0)
    areas = np.bincount(labels.ravel(), minlength=number)[1:]
    least = LEAST_FIGURE * areas.max(initial=0)
    if has_words:
        least = max(least, LEAST_BESIDE_WORDS * figure.size)
    order = [int(at) for at in np.argsort(-areas, kind="stable") if areas[at] >= max(least, 1)]
    boxes = []
    for at in order:
        rows = np.flatnonzero((labels == at + 1).any(axis=1))
        columns = np.flatnonzero((labels == at + 1).any(axis=0))
        boxes.append(
            FigureBox(
                float(columns[0] / width),
                float(rows[0] / height),
                float((columns[-1] + 1) / width),
                float((rows[-1] + 1) / height),
            )
        )
    rest = [int(area) for at, area in enumerate(areas) if at not in order]
    keep = np.isin(labels, [at + 1 for at in order])
    largest = max(1.0, float(areas.max(initial=0)))
    return Figures(
        tuple(boxes),
        keep,
        tuple(float(areas[at] / figure.size) for at in order),
        max(rest, default=0) / largest,
    )


def count_of(number: int) -> str:
    """`figure_count` of a number of figures."""
    if number >= 7:
        return "many"
    return ("none", "one", "two", "three", "few", "few", "few")[number]


def size_of(share: float) -> tuple[str, float]:
    """`figure_size` of a share of the image, and how far it is from the nearest bound."""
    bounds = (SMALL_SHARE, LARGE_SHARE, FULL_SHARE)
    value = ("small", "medium", "large", "full")[sum(share >= bound for bound in bounds)]
    # the farther from nothing, the more an edge counts: what is cut wrongly grows with the outline
    return value, min(abs(share - bound) / bound for bound in bounds)


def layout_of(figures: Figures, words: Mask) -> tuple[str, float]:
    """`layout`, and by how much it is that one (about 0..1).

    Args:
        words: (h, w), True where text was read.
    """
    mask = figures.mask
    sides = [mask[0], mask[-1], mask[:, 0], mask[:, -1]]
    covered = min(float(side.mean()) for side in sides)
    if covered >= 0.2:
        return "full-bleed", min(1.0, covered / 0.5)
    if len(figures.boxes) >= 3:
        in_rows, margin = grid_fit(figures.boxes)
        return ("grid" if in_rows else "scattered"), margin
    if not mask.any():
        if not words.any():
            return "full-bleed", 0.5
        mask = words
    height, width = mask.shape
    ys, xs = np.nonzero(mask)
    off_x, off_y = (xs.mean() + 0.5) / width - 0.5, (ys.mean() + 0.5) / height - 0.5
    furthest = max(abs(off_x), abs(off_y))
    margin = min(1.0, abs(furthest - OFF_CENTRE) / OFF_CENTRE)
    if furthest <= OFF_CENTRE:
        return "centred", margin
    if abs(off_x) >= abs(off_y):
        return ("left" if off_x < 0 else "right"), min(margin, (abs(off_x) - abs(off_y)) * 10)
    return ("top" if off_y < 0 else "bottom"), min(margin, (abs(off_y) - abs(off_x)) * 10)


def grid_fit(boxes: tuple[FigureBox, ...]) -> tuple[bool, float]:
    """Whether the middles of the figures make full rows and columns, and how clearly.

    A row that is not full counts too when the figures stand at equal distances.
    """
    across = float(np.median([box.right - box.left for box in boxes]))
    down = float(np.median([box.bottom - box.top for box in boxes]))
    columns, spread_x = _groups([box.centre[0] for box in boxes], across)
    rows, spread_y = _groups([box.centre[1] for box in boxes], down)
    full = columns * rows == len(boxes)
    return full, 1 - max(spread_x, spread_y) if full else min(1.0, max(spread_x, spread_y) + 0.3)


def _groups(values: list[float], extent: float) -> tuple[int, float]:
    """Number of groups of near values, and the widest group in extents."""
    ordered = np.sort(values)
    cuts = np.flatnonzero(np.diff(ordered) > extent * 0.45)
    groups = np.split(ordered, cuts + 1)
    widest = max(float(np.ptp(group)) for group in groups)
    return len(groups), min(1.0, widest / max(extent, 1e-6))
