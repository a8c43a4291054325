"""Strips of writing laid on one sheet, read in one call, and the best kept for every place.

A call of Tesseract costs more than the lines that it reads: all rows that look like writing go on
one white page, with clear space between them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from lowdiff.ocr import choose
from lowdiff.ocr.engine import Engine, RawWord
from lowdiff.ocr.layout import around
from lowdiff.ocr.merge import overlaps, squeezed
from lowdiff.ocr.strips import Strip, find_strips

BLOCK_MODE = 6
"""Tesseract's mode for one block of lines."""
GAP_PX = 24
MARGIN_PX = 20
DOUBT = 0.45
"""A letter read with less confidence speaks against a line."""
TAKEN = 0.3
"""A line that shares so much of a place with a better one is dropped."""
Line = list[RawWord]


def read_sheet(rgba: Image.Image, engine: Engine, *, item: str) -> list[Line]:
    """Every strip's words, in pixels of `rgba`; strips without words are left out.

    A word's box is the share of the strip's box at which it was read: exact where the row is level.
    """
    strips = find_strips(rgba)
    if not strips:
        return []
    sheet, tops = _laid(strips)
    words = engine.read(sheet, mode=BLOCK_MODE, item=item)
    lines = []
    for number, (strip, top) in enumerate(zip(strips, tops, strict=True)):
        bottom = top + strip.image.shape[0]
        mine = [word for word in words if top <= word.box[1] + word.box[3] / 2 < bottom]
        if mine:
            lines.append([_in_image(word, strip, number) for word in mine])
    return lines


def best_lines(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """For every place the line that is read best, and all that were left out for it."""
    kept: list[Line] = []
    dropped: list[Line] = []
    for line in sorted(lines, key=_worth, reverse=True):
        box = [around([word.box for word in line])]
        taken = [around([word.box for word in other]) for other in kept]
        if taken and overlaps(box, taken).max() >= TAKEN:
            dropped.append(line)
        else:
            kept.append(line)
    return kept, dropped


def support(line: Line, others: Sequence[Line]) -> float:
    """Highest least confidence of another line that says the same at the same place; else 0."""
    box = [around([word.box for word in line])]
    return max(
        (
            min(word.confidence for word in other)
            for other in others
            if squeezed(other) == squeezed(line)
            and overlaps(box, [around([word.box for word in other])]).max() >= TAKEN
        ),
        default=0.0,
    )


def _worth(line: Line) -> float:
    return sum(choose.letters(word.text) * (word.confidence - DOUBT) for word in line)


def _laid(strips: Sequence[Strip]) -> tuple[Image.Image, list[int]]:
    width = max(strip.image.shape[1] for strip in strips) + 2 * MARGIN_PX
    height = sum(strip.image.shape[0] + GAP_PX for strip in strips) + 2 * MARGIN_PX
    paper = np.full((height, width), 255, dtype=np.uint8)
    tops: list[int] = []
    top = MARGIN_PX
    for strip in strips:
        rows, columns = strip.image.shape
        paper[top : top + rows, MARGIN_PX : MARGIN_PX + columns] = strip.image
        tops.append(top)
        top += rows + GAP_PX
    return Image.fromarray(paper), tops


def _in_image(word: RawWord, strip: Strip, number: int) -> RawWord:
    x, y, width, height = strip.box
    share = width / strip.image.shape[1]
    left = x + (word.box[0] - MARGIN_PX) * share
    box = (left, y, word.box[2] * share, height)
    return replace(word, box=box, line=(number, 0, 0), rotation=round(strip.angle, 1))
