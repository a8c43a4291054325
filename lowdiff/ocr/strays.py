"""What PP-OCR reads into a picture beside its writing: signs, a lone foreign word, a monogram."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from lowdiff.ocr.engine import RawWord

EDGE_SIGNS = "▲△▼▽■□●○◆◇★☆≡≣◉◎►◄▶◀☰✱✳❖«»"
"""Logos are read as these; they are cut off a word's ends."""
FEW_WORDS = 4
"""Only a picture of so few words is a word mark, whose sign may be its first letter."""


def without_strays(words: Sequence[RawWord]) -> list[RawWord]:
    """The words that may be writing."""
    return without_monogram(without_lone_script(without_edge_signs(words)))


def without_edge_signs(words: Sequence[RawWord]) -> list[RawWord]:
    """The words without geometric signs at their ends; words of signs alone are gone."""
    cut = (replace(word, text=word.text.strip(EDGE_SIGNS)) for word in words)
    return [word for word in cut if word.text]


def without_lone_script(words: Sequence[RawWord]) -> list[RawWord]:
    """Leave out Chinese or Japanese words among more Latin letters: they are drawings."""
    letters = "".join(word.text for word in words)
    east_asian = sum(map(_is_east_asian, letters))
    latin = sum(character.isalpha() for character in letters) - east_asian
    if not 0 < east_asian < latin:
        return list(words)
    return [word for word in words if not any(map(_is_east_asian, word.text))]


def without_monogram(words: Sequence[RawWord]) -> list[RawWord]:
    """Leave out the sign of a word mark: a single letter that another word begins with."""
    if not 2 <= len(words) <= FEW_WORDS:
        return list(words)
    initials = {word.text[0].casefold() for word in words if len(word.text) > 1}
    return [word for word in words if len(word.text) > 1 or word.text.casefold() not in initials]


def _is_east_asian(character: str) -> bool:
    return unicodedata.east_asian_width(character) == "W"
