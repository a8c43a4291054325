"""The order of a page: Tesseract's own, which knows columns, with what others found put in."""

from collections.abc import Sequence
from dataclasses import replace

from lowdiff.ocr.engine import Box, RawWord
from lowdiff.ocr.layout import SAME_LINE_OVERLAP, around
from lowdiff.ocr.merge import MIN_OVERLAP, overlaps


def in_page_order(words: Sequence[RawWord], guide: Sequence[RawWord]) -> list[RawWord]:
    """The words on the lines of `guide`, numbered anew.

    Args:
        words: what was kept, from any engine.
        guide: Tesseract's words of the same image; their lines tell the order.
    """
    if not words or not guide:
        return list(words)
    shares = overlaps([word.box for word in words], [word.box for word in guide])
    best = shares.argmax(axis=1)
    guided = [n for n in range(len(words)) if shares[n, best[n]] >= MIN_OVERLAP]
    guided.sort(key=lambda n: (int(best[n]), words[n].box[0]))
    lines: dict[tuple[int, int, int], list[RawWord]] = {}
    for number in guided:
        lines.setdefault(guide[best[number]].line, []).append(words[number])
    ordered = [(key[0], line) for key, line in sorted(lines.items())]
    for number in sorted(set(range(len(words))) - set(guided)):
        _put(words[number], ordered)
    return [
        replace(word, line=(block, 0, number))
        for number, (block, line) in enumerate(ordered)
        for word in line
    ]


def _put(word: RawWord, lines: list[tuple[int, list[RawWord]]]) -> None:
    """Into the nearest line at its height, else as a line of its own below the one above it."""
    place = 0
    for number, (_, line) in enumerate(lines):
        box = around([one.box for one in line])
        if _is_beside(word.box, box):
            after = sum(one.box[0] <= word.box[0] for one in line)
            line.insert(after, word)
            return
        if box[1] <= word.box[1]:
            place = number + 1
    block = lines[max(0, place - 1)][0] if lines else 0
    lines.insert(place, (block, [word]))


def _is_beside(one: Box, line: Box) -> bool:
    shared = min(one[1] + one[3], line[1] + line[3]) - max(one[1], line[1])
    gap = max(one[0], line[0]) - min(one[0] + one[2], line[0] + line[2])
    low, high = sorted((one[3], line[3]))
    return shared >= SAME_LINE_OVERLAP * low and gap <= 2 * high and high <= 2 * low
