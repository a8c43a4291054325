"""A cheap first look: is there anything that could be writing? It costs some milliseconds.

Writing is several marks of one tone, about equally high, side by side on one line. Tones are
looked at one threshold at a time, dark and light marks alike.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lowdiff.ocr.components import Components, find_components

LOOK_PX = 400
"""Longest side at which the look is taken."""
CUTS = (0.25, 0.5, 0.75)
"""Thresholds, as shares of the way from the darkest to the lightest tone."""
MIN_CONTRAST = 8
"""Grey levels; an image flatter than this shows nothing."""
MIN_LETTER_PX = 5
"""Lower marks are dots and noise at this size."""
MAX_LETTER_SHARE = 0.8
"""A mark higher than this share of the image is a frame or a figure."""
MAX_MARKS = 3000
"""More marks than this are a texture or a page; a page is always worth reading."""
MAX_LOOK_PIXELS = 8_000_000
"""Bigger images are looked at half as large."""
MIN_ROW = 3
"""So many marks side by side are worth reading."""
WORD_RATIO = 2.0
"""What is so many times as wide as high may be a word mark, whatever its marks look like."""
BIG_PAIR_SHARE = 0.2
"""Two marks alone are worth reading when they are this high; smaller pairs are mostly eyes."""


def look_for_text(grey: Image.Image) -> int:
    """How many letter-like marks stand side by side; 0 when it is not worth reading.

    Args:
        grey: mode L, any size.
    """
    if _is_wide(np.asarray(grey)):
        return MIN_ROW
    if max(grey.size) <= LOOK_PX:
        return longest_row(np.asarray(grey))
    small = grey.copy()
    small.thumbnail((LOOK_PX, LOOK_PX), Image.Resampling.BOX)
    marks = longest_row(np.asarray(small))
    if marks >= MIN_ROW or max(grey.size) <= 2 * LOOK_PX:
        return marks
    return max(marks, _closer_look(grey))


def _is_wide(grey: NDArray[np.uint8]) -> bool:
    """True when all ink together is as wide as a word: letters may touch, or be cut out of it."""
    ground = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    ink = np.abs(grey.astype(np.int16) - int(ground)) >= MIN_CONTRAST
    columns, rows = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    if not columns.size:
        return False
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    return bool(height >= MIN_LETTER_PX and width >= WORD_RATIO * height)


def _closer_look(grey: Image.Image) -> int:
    """The same piece by piece: shrinking a page or a poster as a whole hides its small print."""
    if grey.width * grey.height > MAX_LOOK_PIXELS:
        grey = grey.reduce(2)
    for top in range(0, grey.height, LOOK_PX):
        for left in range(0, grey.width, LOOK_PX):
            marks = longest_row(np.asarray(grey.crop(_piece(grey, left, top))))
            if marks >= MIN_ROW:
                return marks
    return 0


def _piece(grey: Image.Image, left: int, top: int) -> tuple[int, int, int, int]:
    return left, top, min(left + LOOK_PX, grey.width), min(top + LOOK_PX, grey.height)


def longest_row(grey: NDArray[np.uint8]) -> int:
    """The greatest number of letter-like marks side by side, over all tones; 0 below two."""
    darkest, lightest = np.percentile(grey, (0.1, 99.9))
    if lightest - darkest < MIN_CONTRAST:
        return 0
    best, has_pair = 0, False
    for cut in CUTS:
        dark = grey < darkest + cut * (lightest - darkest)
        for mask in (dark, ~dark):
            marks = _letter_like(find_components(mask), height_px=grey.shape[0])
            best = max(best, _row_length(marks))
            if best < MIN_ROW:
                big = marks.keep(marks.bottom - marks.top >= BIG_PAIR_SHARE * grey.shape[0])
                has_pair = has_pair or _row_length(big) >= 2
    if best >= MIN_ROW:
        return best
    return 2 if has_pair else 0


def _letter_like(blobs: Components, *, height_px: int) -> Components:
    height = blobs.bottom - blobs.top
    width = blobs.right - blobs.left
    fill = blobs.area / np.maximum(1, width * height)
    return blobs.keep(
        (height >= MIN_LETTER_PX)
        & (height <= MAX_LETTER_SHARE * height_px)
        & (width <= 2.0 * height)
        & (width >= 0.08 * height)
        & (fill >= 0.12)
    )


def _row_length(marks: Components) -> int:
    """Length of the longest chain in which each mark stands right of its neighbour."""
    number = len(marks)
    if number < 2:
        return number
    if number > MAX_MARKS:
        return number
    order = np.argsort(marks.left, kind="stable")
    left, right = marks.left[order], marks.right[order]
    top, bottom = marks.top[order], marks.bottom[order]
    height = bottom - top
    low, high = (
        np.minimum(height[:, None], height[None]),
        np.maximum(height[:, None], height[None]),
    )
    gap = left[None] - right[:, None]
    overlap = np.minimum(bottom[:, None], bottom[None]) - np.maximum(top[:, None], top[None])
    follows = (
        (low >= 0.5 * high)
        & (overlap >= 0.5 * low)
        & (gap > -0.35 * low)
        & (gap <= 0.9 * high)
        & (left[None] > left[:, None])
        & (right[None] > right[:, None])
    )
    length = np.ones(number, dtype=int)
    for right_mark in range(1, number):
        before = length[:right_mark][follows[:right_mark, right_mark]]
        if before.size:
            length[right_mark] = 1 + before.max()
    return int(length.max())
