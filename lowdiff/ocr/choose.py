"""Which of the engine's words are writing, and which are junk seen in a drawing; pure rules.

Thresholds were chosen on real logos, stickers, pages and on icons without any writing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lowdiff.ocr.engine import RawWord

PAGE_LETTERS = 20
"""With so many surely read letters the image is a page, and its doubtful lines count too."""
SURE = 0.7
SHORT_LETTERS = 2
"""A line of at most so many letters is what drawings are mistaken for."""
BARS = frozenset("lLiI|1!/\\[]()")
"""Strokes: houses, fences and legs are read as these."""


@dataclass(frozen=True)
class Rule:
    """How sure a line must be to count."""

    line: float
    """Mean confidence, weighted by length."""
    short_line: float
    """The same for a line of at most `SHORT_LETTERS` letters."""
    word: float
    """Less sure words are dropped from a line that counts."""
    letters: int
    """A line of fewer letters never counts."""


STRAIGHT = Rule(line=0.5, short_line=0.85, word=0.2, letters=1)
"""For the reading as a page, which seldom finds what is not there."""
SPARSE = Rule(line=0.7, short_line=0.9, word=0.3, letters=2)
"""For the search for single words anywhere, which finds much that is not there."""


def letters(text: str) -> int:
    """Number of letters and digits."""
    return sum(character.isalnum() for character in text)


def is_page(words: Sequence[RawWord]) -> bool:
    """True when enough letters were read surely."""
    return sum(letters(word.text) for word in words if word.confidence >= SURE) >= PAGE_LETTERS


def writing(words: Sequence[RawWord], rule: Rule) -> list[RawWord]:
    """The words of the lines that count, in reading order."""
    kept: list[RawWord] = []
    for line in _lines(words):
        sure = [word for word in line if word.confidence >= rule.word]
        count = sum(letters(word.text) for word in sure)
        if count < rule.letters or _is_only_bars(sure):
            continue
        needed = rule.short_line if count <= SHORT_LETTERS else rule.line
        if _line_confidence(sure) >= needed:
            kept.extend(sure)
    return kept


def page_writing(words: Sequence[RawWord]) -> list[RawWord]:
    """All words of a page, without lines that hold no letter at all."""
    return [word for line in _lines(words) if any(letters(w.text) for w in line) for word in line]


def _lines(words: Sequence[RawWord]) -> list[list[RawWord]]:
    lines: dict[tuple[int, int, int], list[RawWord]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    return [line for _, line in sorted(lines.items())]


def _line_confidence(line: Sequence[RawWord]) -> float:
    length = sum(len(word.text) for word in line)
    return sum(word.confidence * len(word.text) for word in line) / length


def _is_only_bars(line: Sequence[RawWord]) -> bool:
    return all(character in BARS for word in line for character in word.text)
