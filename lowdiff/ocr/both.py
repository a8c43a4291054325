"""Both engines: look until they agree or all looks are taken, then make one reading of it."""

from dataclasses import dataclass, replace

from PIL import Image

from lowdiff.ocr import choose
from lowdiff.ocr.alone import best_words, with_tesseract
from lowdiff.ocr.engine import Engine, RawWord
from lowdiff.ocr.looks import (
    BIG_PX,
    FIRST_LOOKS,
    NARROW,
    agreed,
    has_spaced_letters,
    look,
    looks_at,
    shows_words,
)
from lowdiff.ocr.merge import agreement, group_words
from lowdiff.ocr.plan import PAGE_AGREEMENT, Plan, Reading, merge, straight_words
from lowdiff.ocr.rings import RingReading, read_ring
from lowdiff.ocr.turns import TURNS, turn_back, turned

ENOUGH = 0.9
"""With so much agreement between the engines no further look is taken."""
TURNED_LETTERS = 30
"""Only pages are turned: a logo reads badly for other reasons."""
TURNED_AGREEMENT = 0.4


def with_both(rgba: Image.Image, plan: Plan, *, item: str) -> Reading:
    """Read with both engines, and turned where that reads badly.

    Raises:
        InputError: an engine hung or crashed on it.
    """
    found = _look(rgba, plan, item=item)
    is_small = max(rgba.size) <= BIG_PX
    ring = None
    if found is not None and is_small and not plan.quick:
        ring = read_ring(rgba, plan.engines["rapidocr"], item=item)
    reading = _merged(found, rgba, plan, ring, item=item)
    letters = sum(choose.letters(word.text) for word in reading.words)
    if ring is None and letters >= TURNED_LETTERS and reading.agreement < TURNED_AGREEMENT:
        return _turned(rgba, plan, reading, item=item)
    return reading


def seen_alone(rgba: Image.Image, engine: Engine, *, item: str) -> list[RawWord]:
    """PP-OCR alone: look until two looks say the same."""
    readings: list[list[RawWord]] = []
    for how in looks_at(rgba.size):
        readings.append(look(rgba, how, engine, item=item))
        if len(readings) == 2 and agreement(group_words(*readings)) >= ENOUGH:
            break
    return _agreed_with_spaced(rgba, readings, engine, item=item)


@dataclass(frozen=True)
class _Looked:
    """What both engines came to."""

    seen: list[RawWord]
    straight: list[RawWord]
    lines: list[RawWord] | None


def _merged(
    found: _Looked | None,
    rgba: Image.Image,
    plan: Plan,
    ring: RingReading | None = None,
    *,
    item: str,
) -> Reading:
    if found is not None:
        return merge(found.seen, found.straight, plan, lines=found.lines, ring=ring)
    if max(rgba.size) > BIG_PX:
        return with_tesseract(rgba, plan, item=item)
    return Reading([])  # what Tesseract alone sees in a picture is never right


def _look(rgba: Image.Image, plan: Plan, *, item: str) -> _Looked | None:
    """Look until the engines agree, or until all looks are taken; None where no word shows."""
    engine, tesseract = plan.engines["rapidocr"], plan.engines["tesseract"]
    readings: list[list[RawWord]] = []
    straight: list[RawWord] | None = None
    for how in looks_at(rgba.size):
        readings.append(look(rgba, how, engine, item=item))
        seen = agreed(readings)
        if straight is None and shows_words(seen):
            straight = straight_words(rgba, tesseract, plan.page_mode, item=item)
        if straight is not None and (plan.quick or _is_enough(merge(seen, straight, plan))):
            return _Looked(seen, straight, None)
        if plan.quick or (len(readings) == FIRST_LOOKS and not shows_words(seen)):
            return None
    if straight is None:
        return None
    if max(rgba.size) > BIG_PX:
        return _Looked(seen, straight, None)
    seen = _agreed_with_spaced(rgba, readings, engine, item=item)
    return _Looked(seen, straight, best_words(rgba, straight, tesseract, item=item))


def _agreed_with_spaced(
    rgba: Image.Image, readings: list[list[RawWord]], engine: Engine, *, item: str
) -> list[RawWord]:
    """One reading of the looks, with one more at a narrower image for letters set far apart."""
    if has_spaced_letters(agreed(readings)):
        narrow = replace(looks_at(rgba.size)[0], narrow=NARROW)
        readings = [*readings, look(rgba, narrow, engine, item=item)]
    return agreed(readings)


def _is_enough(reading: Reading) -> bool:
    """True when further looks would hardly change it: on pages they cost most and help least."""
    count = sum(choose.letters(word.text) for word in reading.words)
    is_long = count >= choose.PAGE_LETTERS
    return reading.agreement >= (PAGE_AGREEMENT if is_long else ENOUGH)


def _turned(rgba: Image.Image, plan: Plan, upright: Reading, *, item: str) -> Reading:
    """The first turn at which both engines agree, or the straight reading."""
    for degrees in TURNS:
        image = turned(rgba, degrees)
        reading = _merged(_look(image, plan, item=item), image, plan, item=item)
        if reading.agreement >= PAGE_AGREEMENT:
            words = [turn_back(word, degrees, rgba.size) for word in reading.words]
            return replace(reading, words=words)
    return upright
