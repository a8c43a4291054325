"""How much writing some words are, and how sure; pure rules."""

from collections.abc import Sequence

from lowdiff.ocr.engine import RawWord

PAGE_LETTERS = 150
"""So many letters, read surely all together, are a page and not a poster …"""
PAGE_CONFIDENCE = 0.85
"""… that reads well as it is."""


def letters(text: str) -> int:
    """Number of letters and digits."""
    return sum(character.isalnum() for character in text)


def mean_confidence(words: Sequence[RawWord]) -> float:
    """Weighted by the length of the words; 0 without any."""
    length = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / length if length else 0.0


def is_clear_page(words: Sequence[RawWord]) -> bool:
    """True when nothing is to be gained by looking at single lines."""
    count = sum(letters(word.text) for word in words)
    return count >= PAGE_LETTERS and mean_confidence(words) >= PAGE_CONFIDENCE
