"""How much writing some words are, and how sure; pure rules."""

from collections.abc import Sequence

from lowdiff.ocr.engine import RawWord

PAGE_LETTERS = 150
"""So many letters, read surely, are a page and not a poster."""
DENSE_LETTERS = 300
"""So many letters are a page, however doubtful: lists of codes look like no words."""
BIG_PAGE_LETTERS = 20
"""The same for a big image, whose small print is not cut out well."""
SURE = 0.7
"""A word's confidence, as Tesseract tells it."""


def letters(text: str) -> int:
    """Number of letters and digits."""
    return sum(character.isalnum() for character in text)


def mean_confidence(words: Sequence[RawWord]) -> float:
    """Weighted by the length of the words; 0 without any."""
    length = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / length if length else 0.0


def is_clear_page(words: Sequence[RawWord], *, least: int = PAGE_LETTERS) -> bool:
    """True when nothing is to be gained by looking at single lines."""
    return sum(letters(word.text) for word in words if word.confidence >= SURE) >= least
