"""Reading order: which words make a line, which lines a block, and what comes first.

Pure geometry, for words that come from several readings and share no numbering.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lowdiff.ocr.engine import Box, RawWord

SAME_LINE_OVERLAP = 0.5
"""Two neighbours are of one line when they share so much of the lower one's height."""
SAME_LINE_RATIO = 2.5
"""… and neither is so many times as high as the other."""
WORD_GAP = 2.0
"""The widest gap within a line, in heights of the higher word."""
STEEPEST = 30.0
"""Degrees; steeper lines are told apart by their words' upright boxes alone."""
COLUMN_GAP = 1.0
"""The narrowest gap between two columns, in heights of a line."""
BLOCK_GAP = 1.0
"""The lowest gap between two blocks, in heights of a line."""


@dataclass
class Line:
    """Words from left to right."""

    words: list[RawWord]

    @property
    def box(self) -> Box:
        """Around all its words."""
        return around([word.box for word in self.words])


def in_reading_order(words: Sequence[RawWord]) -> list[RawWord]:
    """The words, line by line and block by block, with new line numbers."""
    ordered: list[RawWord] = []
    number = 0
    for block, lines in enumerate(_blocks(lines_of(words))):
        for line in lines:
            ordered.extend(replace(word, line=(block, 0, number)) for word in line.words)
            number += 1
    return ordered


def lines_of(words: Sequence[RawWord]) -> list[Line]:
    """Words side by side, about equally high, make a line."""
    lines: list[Line] = []
    for word in sorted(words, key=lambda one: (one.box[0], one.box[1])):
        fitting = [line for line in lines if _continues(line.words[-1], word)]
        if fitting:
            nearest = max(fitting, key=lambda line: line.words[-1].box[0] + line.words[-1].box[2])
            nearest.words.append(word)
        else:
            lines.append(Line([word]))
    return lines


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all."""
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right = max(box[0] + box[2] for box in boxes)
    bottom = max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top


def _continues(one: RawWord, two: RawWord) -> bool:
    before, after = one.box, two.box
    slope = one.rotation or two.rotation
    if 0 < abs(slope) <= STEEPEST:  # a line that climbs: bring its next word down to this one
        along = after[0] + after[2] / 2 - before[0] - before[2] / 2
        drift = math.tan(math.radians(slope)) * along
        after = (after[0], after[1] - drift, after[2], after[3])
    low, high = sorted((before[3], after[3]))
    shared = min(before[1] + before[3], after[1] + after[3]) - max(before[1], after[1])
    gap = after[0] - (before[0] + before[2])
    return (
        shared >= SAME_LINE_OVERLAP * low
        and high <= SAME_LINE_RATIO * max(low, 1)
        and -low <= gap <= WORD_GAP * high
    )


def _blocks(lines: list[Line]) -> list[list[Line]]:
    """Cut at the white between blocks, first across, then between columns (recursive XY cut)."""
    if len(lines) < 2:
        return [lines] if lines else []
    height = sorted(line.box[3] for line in lines)[len(lines) // 2]
    for axis, gap in ((1, BLOCK_GAP), (0, COLUMN_GAP)):
        parts = _cut(lines, axis=axis, gap_px=gap * height)
        if len(parts) > 1 and (axis == 1 or _are_columns(parts)):
            return [block for part in parts for block in _blocks(part)]
    return [sorted(lines, key=lambda line: (line.box[1] + line.box[3] / 2, line.box[0]))]


def _are_columns(parts: list[list[Line]]) -> bool:
    """Columns stand side by side; lines that merely start further right do not."""
    if min(map(len, parts)) < 2:
        return False
    boxes = [around([line.box for line in part]) for part in parts]
    shared = (
        min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1]) for one, two in pairwise(boxes)
    )
    lower = (min(one[3], two[3]) for one, two in pairwise(boxes))
    return all(both >= SAME_LINE_OVERLAP * low for both, low in zip(shared, lower, strict=True))


def _cut(lines: list[Line], *, axis: int, gap_px: float) -> list[list[Line]]:
    """Groups of lines with at least `gap_px` of white between them along one axis."""
    parts: list[list[Line]] = []
    end = float("-inf")
    for line in sorted(lines, key=lambda one: one.box[axis]):
        if parts and line.box[axis] - end < gap_px:
            parts[-1].append(line)
        else:
            parts.append([line])
        end = max(end, line.box[axis] + line.box[axis + 2])
    return parts
