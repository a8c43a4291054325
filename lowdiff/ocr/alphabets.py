"""Alphabets that PP-OCR does not know: where Tesseract reads their letters, it decides alone.

PP-OCR's model reads Latin, Greek, Chinese and Japanese (the letters in its own list). What is
written in others it leaves out, or reads as the Latin letters that look alike.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from lowdiff.ocr.document import REVIEW_BELOW
from lowdiff.ocr.engine import RawWord
from lowdiff.ocr.layout import in_reading_order
from lowdiff.ocr.merge import Group, group_words, squeezed
from lowdiff.ocr.plan import Plan
from lowdiff.ocr.reading import read_words

BEYOND_PPOCR = frozenset(
    (
        *("amh", "ara", "asm", "aze_cyrl", "bel", "ben", "bod", "bul", "div", "dzo", "ell", "fas"),
        *("grc", "guj", "heb", "hin", "hye", "kan", "kat", "kaz", "khm", "kir", "kor", "lao"),
        *("mal", "mar", "mkd", "mon", "mya", "nep", "ori", "pan", "pus", "rus", "san", "sin"),
        *("snd", "srp", "syr", "tam", "tat", "tel", "tgk", "tha", "tir", "uig", "ukr", "urd"),
        *("uzb_cyrl", "yid"),
    )
)
"""Tesseract's codes of languages whose letters PP-OCR's model does not know, or not all."""
KNOWN = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "FULLWIDTH", "IDEOGRAPHIC")
"""How Unicode's names of the letters that it knows begin."""
_CYRILLIC, _GREEK = "АВЕЅІЈКМНОРСТУХаеѕіјорсух", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο"
_LOOK_ALIKES = str.maketrans(_CYRILLIC + _GREEK, "ABESIJKMHOPCTYXaesijopcyx" + "ABEZHIKMNOPTYXo")


def needs_tesseract(languages: Sequence[str]) -> bool:
    """True when PP-OCR does not know the letters of one of the languages."""
    return not BEYOND_PPOCR.isdisjoint(languages)


def is_beyond(text: str) -> bool:
    """True when one of the letters is of an alphabet that PP-OCR does not know."""
    return any(
        character.isalpha() and not unicodedata.name(character, "").startswith(KNOWN)
        for character in text
    )


def read_mixed(rgba: Image.Image, plan: Plan, *, item: str) -> list[RawWord]:
    """Read an image with words of several alphabets; in reading order, with calibrated confidence.

    Args:
        rgba: decoded pixels, mode RGBA.
        plan: with both engines.

    Raises:
        InputError: an engine hung or crashed on it.
    """
    both = read_words(rgba, plan, item=item).words
    tesseract = replace(plan, engines={"tesseract": plan.engines["tesseract"]})
    alone = read_words(rgba, tesseract, item=item).words
    if not any(is_beyond(word.text) for word in alone):
        return both
    if not both:
        return alone
    chosen = [word for group in group_words(both, alone) for word in _of_one_place(group)]
    return in_reading_order(chosen)


def _of_one_place(group: Group) -> Sequence[RawWord]:
    """What both engines came to (`lead`), or Tesseract's words beyond PP-OCR's alphabets."""
    both, alone = group.lead, group.other
    if not any(is_beyond(word.text) for word in alone):
        return both
    if not both or squeezed(alone).translate(_LOOK_ALIKES) == squeezed(both):
        return alone
    # PP-OCR sees little in foreign letters, and Tesseract sees them in any: a brand's name
    is_credible = all(word.confidence >= REVIEW_BELOW for word in both)
    return both if is_credible else alone
