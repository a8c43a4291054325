"""Lines of writing found by their shapes, cut out one by one, for an engine that needs paper.

Tesseract reads dark letters on a white page. A poster, a logo or a sticker is cut into tones and
colours; in each cut the marks that stand in a row like letters make a strip, whichever ground they
stand on. Rows that show in several cuts are stable, and the more likely writing (the idea of
maximally stable regions, Matas et al. 2002).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lowdiff.ocr.engine import Box
from lowdiff.ocr.prepare import LUMA, Bytes, prepare_colours

WORK_PX = 800
"""Longest side at which rows are searched for: smaller images are enlarged, at most fourfold."""
CUTS = (0.2, 0.35, 0.5, 0.65, 0.8)
"""Thresholds, as shares of the way from the lowest to the highest value of a plane."""
MIN_CONTRAST = 12
"""A flatter plane shows nothing."""
ALIKE = 0.9
"""Cosine from which two directions of colour count as one."""
COLOURS = 5
"""Clusters of colours, each a mask of its own."""
MIN_LETTER_PX = 8
MAX_MARKS = 800
"""A mask with more letter-like marks is a texture."""
LETTER_PX = 32
"""Letters of a strip are made so high: what Tesseract was taught on."""
MAX_STRIPS = 24
SAME_PLACE = 0.8
"""Rows that share so much of their boxes' union are the same row in another cut."""
MAX_STRIP_PX = 2400
MARGIN_PX = 12

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Strip:
    """A row of marks, black on white and level."""

    image: Bytes
    box: Box
    """In pixels of the image that was searched."""
    angle: float
    """Degrees clockwise by which the row was turned."""


@dataclass
class _Row:
    mask: Bytes
    """Labels of the cut, cropped to the row."""
    box: tuple[int, int, int, int]
    heights: NDArray[np.int64]
    middles: NDArray[np.float64]
    seen: int = 1

    @property
    def worth(self) -> float:
        """Many marks of like height in many cuts."""
        spread = float(self.heights.std() / self.heights.mean())
        return self.seen * math.sqrt(len(self.heights)) / (0.3 + spread)


def find_strips(rgba: Image.Image) -> list[Strip]:
    """Rows of letter-like marks, the most credible first."""
    prepared = prepare_colours(rgba)
    ratio = min(4.0, WORK_PX / max(prepared.image.size))
    width, height = prepared.image.size
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    colours = np.asarray(prepared.image.resize(size, Image.Resampling.BICUBIC))
    rows: list[_Row] = []
    for mask in _masks(colours):
        for row in _rows(mask):
            _add(rows, row)
    rows.sort(key=lambda row: -row.worth)
    scale, margin = ratio * prepared.scale, prepared.margin_px / prepared.scale
    return [_strip(row, scale, margin) for row in rows[:MAX_STRIPS]]


def _masks(colours: Bytes) -> Iterator[Bytes]:
    """Every cut of every plane, its dark side and its light side; then every colour."""
    flat = colours.reshape(-1, 3).astype(np.float32)
    for plane in _planes(colours, flat):
        low, high = np.percentile(plane[::3, ::3], (0.5, 99.5))
        if high - low < MIN_CONTRAST:
            continue
        for cut in CUTS:
            level = low + cut * (high - low)
            dark = cv2.threshold(plane, level, 1, cv2.THRESH_BINARY_INV)[1]
            yield np.asarray(dark, dtype=np.uint8)
            yield np.asarray(1 - dark, dtype=np.uint8)
    sample = flat[:: max(1, len(flat) // 6000)]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    cv2.setRNGSeed(1)
    start = cv2.KMEANS_PP_CENTERS
    centres = cv2.kmeans(np.ascontiguousarray(sample), COLOURS, None, criteria, 1, start)[2]
    distances = (centres**2).sum(axis=1) - 2 * flat @ centres.T  # but for what is the same for all
    nearest = distances.argmin(axis=1).reshape(colours.shape[:2])
    for colour in range(COLOURS):
        yield (nearest == colour).astype(np.uint8)


def _planes(colours: Bytes, flat: NDArray[np.float32]) -> list[Bytes]:
    """Luma, and the axis along which the colours differ most where that is another one."""
    planes = [np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), dtype=np.uint8)]
    middle = flat[::7].mean(axis=0)
    axis = np.linalg.eigh(np.cov((flat[::7] - middle).T))[1][:, -1]
    if abs(axis @ LUMA) < ALIKE * np.linalg.norm(LUMA):
        values = (flat - middle) @ axis
        planes.append(np.clip(128 + values / 2, 0, 255).astype(np.uint8).reshape(colours.shape[:2]))
    return planes


def _rows(mask: Bytes) -> list[_Row]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    width, height, area = stats.T[2:]
    like = (
        (height >= MIN_LETTER_PX)
        & (height <= 0.7 * mask.shape[0])
        & (width <= 5 * height)
        & (width >= 0.06 * height)
        & (area >= 0.1 * width * height)
    )
    like[0] = False
    marks = np.flatnonzero(like)
    if not 2 <= marks.size <= MAX_MARKS:
        return []
    found = []
    for group in _chains(stats[marks]):
        chosen = marks[group]
        found.append(_row(labels, stats, chosen))
    return found


def _chains(stats: Ints) -> list[list[int]]:
    """Marks that stand side by side, about equally high."""
    left, top, width, height = (stats[:, n].astype(np.float64) for n in range(4))
    right, bottom = left + width, top + height
    low = np.minimum(height[:, None], height[None])
    high = np.maximum(height[:, None], height[None])
    gap = left[None] - right[:, None]
    overlap = np.minimum(bottom[:, None], bottom[None]) - np.maximum(top[:, None], top[None])
    follows = (
        (low >= 0.45 * high)
        & (overlap >= 0.45 * low)
        & (gap > -0.5 * low)
        & (gap <= 1.1 * high)
        & (left[None] > left[:, None])
    )
    owner = list(range(len(stats)))

    def root(place: int) -> int:
        while owner[place] != place:
            place = owner[place]
        return place

    for one, two in np.argwhere(follows):
        a, b = sorted((root(int(one)), root(int(two))))
        owner[b] = a
    groups: dict[int, list[int]] = {}
    for place in range(len(stats)):
        groups.setdefault(root(place), []).append(place)
    return [group for group in groups.values() if len(group) > 1]


def _row(labels: Ints, stats: Ints, chosen: NDArray[np.int64]) -> _Row:
    left, top, width, height, _ = stats[chosen].T
    box = (left.min(), top.min(), (left + width).max(), (top + height).max())
    pad = max(2, int(0.15 * np.median(height)))
    x0, y0 = max(0, box[0] - pad), max(0, box[1] - pad)
    crop = labels[y0 : box[3] + pad, x0 : box[2] + pad]
    inside = np.isin(crop, chosen)
    ids = np.unique(crop)
    small = ids[(ids > 0) & (stats[ids, 3] <= 0.45 * np.median(height)) & (stats[ids, 4] >= 6)]
    inside |= np.isin(crop, small)  # points, accents, hyphens
    middles = np.stack([left + width / 2 - x0, top + height / 2 - y0], axis=1)
    whole = (int(x0), int(y0), int(x0 + crop.shape[1]), int(y0 + crop.shape[0]))
    return _Row(inside.astype(np.uint8), whole, height.astype(np.int64), middles)


def _add(rows: list[_Row], row: _Row) -> None:
    for number, known in enumerate(rows):
        if (
            abs(len(known.heights) - len(row.heights)) <= 1
            and _shared(known.box, row.box) >= SAME_PLACE
        ):
            known.seen += 1
            if known.seen == 3:  # the middle of the cuts that show it has the cleanest edges
                row.seen = 3
                rows[number] = row
            return
    rows.append(row)


def _shared(one: tuple[int, int, int, int], two: tuple[int, int, int, int]) -> float:
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two))
    return width * height / (areas - width * height)


def _strip(row: _Row, scale: float, margin: float) -> Strip:
    """Turn the row level, make its letters `LETTER_PX` high, black on white."""
    tall = row.heights[row.heights >= 0.6 * row.heights.max()]
    ratio = LETTER_PX / float(np.median(tall))
    ratio = min(ratio, MAX_STRIP_PX / row.mask.shape[1])
    picture = (1 - row.mask) * np.uint8(255)
    angle = _angle(row)
    if angle:
        picture = _levelled(picture, angle)
    size = (max(1, round(picture.shape[1] * ratio)), max(1, round(picture.shape[0] * ratio)))
    method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(picture, size, interpolation=method)
    x0, y0, x1, y1 = row.box
    box = (x0 / scale - margin, y0 / scale - margin, (x1 - x0) / scale, (y1 - y0) / scale)
    return Strip(np.asarray(picture, dtype=np.uint8), box, angle)


def _angle(row: _Row) -> float:
    """Slope of the row in degrees clockwise; 0 where it is level or too short to tell."""
    x, y = row.middles.T
    if len(x) < 3 or x.max() - x.min() < 3 * np.median(row.heights):
        return 0.0
    slope = float(np.polyfit(x, y, 1)[0])
    angle = float(np.degrees(np.arctan(slope)))
    return angle if 2.0 <= abs(angle) <= 45 else 0.0


def _levelled(picture: Bytes, angle: float) -> Bytes:
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    rotated = cv2.warpAffine(
        picture, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=(255,)
    )
    rows = np.flatnonzero((rotated < 128).any(axis=1))
    return np.asarray(rotated[max(0, rows[0] - 4) : rows[-1] + 5], dtype=np.uint8)
