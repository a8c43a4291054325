"""How PP-OCR looks at an image: at several sizes, and with its tones turned around.

The search for lines sees letters of one size best, and dark letters on light ground better. What
one look misses another finds, and what several say alike is right more often.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from lowdiff.ocr import choose
from lowdiff.ocr.engine import Engine, RawWord, moved
from lowdiff.ocr.layout import around, lines_of
from lowdiff.ocr.prepare import prepare_colours
from lowdiff.ocr.strays import without_strays
from lowdiff.ocr.tiles import read_in_tiles
from lowdiff.ocr.vote import vote

BIG_PX = 1280
"""Images with a longer side are pages and posters, whose print may be small …"""
BIG_SHARE = 0.75
"""… and are searched at this share of their size."""
SMALL_PX = 640
"""Logos and stickers have no longer side."""
NARROW = 0.7
"""Letters set far apart come together when the image is made so much narrower."""
SPACED_LETTERS = 3
"""So many single letters make a look at the narrower image worth while."""
SPACED_WORDS = 12
"""Where more is written, single letters are names of things and not of one word."""


@dataclass(frozen=True)
class Look:
    """One way to show an image to PP-OCR."""

    search_px: int
    """Longest side at which lines are searched for."""
    turned: bool = False
    """Light becomes dark and dark light."""
    narrow: float = 1.0
    """The image's width is multiplied by it."""


GLANCE = Look(224)
"""Cheap: does a word show where the first look found no letters?"""
GLANCE_CONFIDENCE = 0.4
FIRST_LOOKS = 2
"""Where so many looks show no word, no further look does."""
SURE_LETTER = 0.8
"""A single letter is as much as a word when the looks are so sure of it together."""
SMALL_LOOKS = (Look(448), Look(320, turned=True), Look(448, turned=True), Look(640))
MEDIUM_LOOKS = (Look(640), Look(448, turned=True), Look(640, turned=True), Look(960))


def looks_at(size_px: tuple[int, int]) -> tuple[Look, ...]:
    """The looks worth taking at an image of this width and height, the best first."""
    longest = max(size_px)
    if longest > BIG_PX:
        return (Look(math.ceil(BIG_SHARE * longest)),)
    return SMALL_LOOKS if longest <= SMALL_PX else MEDIUM_LOOKS


def look(rgba: Image.Image, how: Look, engine: Engine, *, item: str) -> list[RawWord]:
    """What PP-OCR reads in one look, in pixels of `rgba`."""

    def read(tile: Image.Image) -> list[RawWord]:
        shown = tile
        if how.narrow != 1.0:
            width = max(1, round(tile.width * how.narrow))
            shown = tile.resize((width, tile.height), Image.Resampling.LANCZOS)
        prepared = prepare_colours(shown, turned=how.turned)
        is_big = max(tile.size) > BIG_PX
        search_px = math.ceil(BIG_SHARE * max(prepared.image.size)) if is_big else how.search_px
        words = engine.read(prepared.image, mode=search_px, item=item)
        margin = prepared.margin_px
        placed = moved(words, x=margin, y=margin, scale=prepared.scale)
        return [_widened(word, tile.width / shown.width) for word in placed]

    return without_strays(read_in_tiles(rgba, read))


def agreed(readings: Sequence[Sequence[RawWord]]) -> list[RawWord]:
    """One reading of several looks; letters that stand apart but in a row become words."""
    return joined_letters(vote(readings))


def glance(rgba: Image.Image, engine: Engine, *, item: str) -> bool:
    """True when a cheap look shows a word: drawings are mistaken for single letters only."""
    seen = look(rgba, GLANCE, engine, item=item)
    return any(word.confidence >= GLANCE_CONFIDENCE and _is_word(word) for word in seen)


def shows_words(words: Sequence[RawWord]) -> bool:
    """True when there is a word, or a letter that is sure."""
    return any(_is_word(word) or word.confidence >= SURE_LETTER for word in words)


def has_spaced_letters(words: Sequence[RawWord]) -> bool:
    """True when enough single letters were read to try a narrower image."""
    single = sum(choose.letters(word.text) == 1 for word in words)
    return single >= SPACED_LETTERS and len(words) <= SPACED_WORDS


def joined_letters(words: Sequence[RawWord]) -> list[RawWord]:
    """The words, where rows of single letters and scraps are made one word each."""
    if not has_spaced_letters(words):
        return list(words)
    kept: list[RawWord] = []
    for line in lines_of(words):
        scraps = line.words
        if len(scraps) > 1 and all(len(word.text) <= 2 for word in scraps):
            kept.append(
                replace(
                    scraps[0],
                    text="".join(word.text for word in scraps),
                    confidence=min(word.confidence for word in scraps),
                    box=around([word.box for word in scraps]),
                )
            )
        else:
            kept.extend(scraps)
    return kept


def _is_word(word: RawWord) -> bool:
    return choose.letters(word.text) > 1


def _widened(word: RawWord, ratio: float) -> RawWord:
    x, y, width, height = word.box
    return replace(word, box=(x * ratio, y, width * ratio, height))
