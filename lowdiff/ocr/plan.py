"""The reading plan: which engine looks at which version of an image, and when it is enough."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image

from lowdiff.ocr import calibrate, choose
from lowdiff.ocr.engine import Engine, RawWord, moved
from lowdiff.ocr.first_look import MIN_ROW, WORD_RATIO
from lowdiff.ocr.layout import STEEPEST, in_reading_order
from lowdiff.ocr.merge import (
    Evidence,
    Group,
    Odds,
    agreement,
    choose_words,
    evidence_of,
    group_words,
    judge_alone,
    squeezed,
)
from lowdiff.ocr.page import in_page_order
from lowdiff.ocr.prepare import Prepared, prepare, prepare_colours
from lowdiff.ocr.strays import without_edge_signs, without_strays
from lowdiff.ocr.tiles import read_in_tiles
from lowdiff.ocr.turns import turn_back, turned

PAGE_MODE = 3
"""Tesseract's automatic page segmentation: best on pages and screenshots, quiet on drawings."""
SPARSE_MODE = 11
"""Tesseract's sparse text: finds the words of logos, stickers and signs."""
SEARCH_PX = 640
"""Longest side at which PP-OCR searches for lines in a small image …"""
BIG_PX = 1280
"""Images with a longer side are pages and posters, whose print may be small …"""
BIG_SHARE = 0.75
"""… and are searched at this share of their size."""
CLOSE_PX = 960
"""The second search, when the first found nothing or was unsure."""
PAGE_AGREEMENT = 0.6
"""So much agreement on at least `PAGE_LETTERS` letters makes a page: Tesseract orders those."""
PAGE_LETTERS = 20
KEEP = 0.5
"""Words that are less probably right are dropped."""
POOR = 0.6
"""A reading whose letters are right with a lower mean probability is tried anew."""
TURNS = (180, 90, 270)
"""Degrees by which a page that reads badly is turned, the most frequent accident first."""
TURNED_LETTERS = 30
"""Only pages are turned: a logo reads badly for other reasons."""
TURNED_AGREEMENT = 0.4


@dataclass(frozen=True)
class Plan:
    """Engines and how they are used."""

    engines: Mapping[str, Engine]
    odds: Odds = calibrate.odds
    keep: float = KEEP
    page_mode: int = PAGE_MODE
    sparse_mode: int = SPARSE_MODE

    @property
    def parameters(self) -> dict[str, str | int | float | bool | list[int]]:
        """What the result depends on, beside the engines' versions."""
        return {
            "page_modes": [self.page_mode, self.sparse_mode],
            "search_px": SEARCH_PX,
            "calibration": calibrate.version(),
        }


@dataclass(frozen=True)
class Reading:
    """What one way of looking at an image came to, in pixels of the decoded image."""

    words: list[RawWord]
    """In reading order; the confidence is calibrated."""
    agreement: float = 0.0
    evidence: list[tuple[tuple[RawWord, ...], Evidence]] = field(default_factory=list)
    """All that was seen, kept or not: what the calibration is fitted on."""

    @property
    def probability(self) -> float:
        """Mean probability of its letters to be right; 0 without words."""
        length = sum(len(word.text) for word in self.words)
        return (
            sum(word.confidence * len(word.text) for word in self.words) / length if length else 0.0
        )


def read_words(rgba: Image.Image, plan: Plan, *, marks: int, item: str) -> Reading:
    """Read an image with all engines of the plan.

    Args:
        rgba: decoded pixels, mode RGBA.
        marks: what the first look said.

    Raises:
        InputError: an engine hung or crashed on it.
    """
    if "rapidocr" not in plan.engines:
        return _with_tesseract(rgba, plan, marks, item)
    if "tesseract" not in plan.engines:
        words = without_strays(_search(rgba, plan.engines["rapidocr"], item=item))
        return Reading(_kept(in_reading_order(judge_alone(words, plan.odds)), plan))
    reading = _with_both(rgba, plan, item=item)
    letters = sum(choose.letters(word.text) for word in reading.words)
    if letters >= TURNED_LETTERS and reading.agreement < TURNED_AGREEMENT:
        return _turned_reading(rgba, plan, reading, item=item)
    is_wide = rgba.width >= WORD_RATIO * rgba.height
    if reading.probability < POOR and (reading.evidence or is_wide):
        closer = _with_both(rgba, plan, item=item, close=True)
        return max(reading, closer, key=lambda one: one.probability)
    return reading


def _with_both(rgba: Image.Image, plan: Plan, *, item: str, close: bool = False) -> Reading:
    seen = without_strays(_search(rgba, plan.engines["rapidocr"], item=item, close=close))
    if not seen and max(rgba.size) <= BIG_PX:
        return Reading([])  # what Tesseract alone sees in a picture is never right
    if not seen:
        return _with_tesseract(rgba, plan, MIN_ROW, item)
    mode = plan.sparse_mode if close else plan.page_mode
    straight = without_edge_signs(_straight(rgba, plan.engines["tesseract"], mode, item=item))
    return merge(seen, straight, plan)


def merge(seen: Sequence[RawWord], straight: Sequence[RawWord], plan: Plan) -> Reading:
    """One reading out of PP-OCR's and Tesseract's."""
    groups = group_words(seen, straight)
    company = agreement(groups)
    is_straight = not any(0 < abs(word.rotation) <= STEEPEST for word in seen)
    agreed = company >= PAGE_AGREEMENT and _letters_agreed(groups) >= PAGE_LETTERS
    is_page = agreed and is_straight  # Tesseract tears lines that climb apart
    choices = [choose_words(group, company=company, odds=plan.odds) for group in groups]
    words = [word for choice in choices if choice.any_right >= plan.keep for word in choice.words]
    ordered = in_page_order(words, straight) if is_page else in_reading_order(words)
    evidence = [side for group in groups for side in evidence_of(group, company=company)]
    return Reading(ordered, company, evidence)


def _letters_agreed(groups: Sequence[Group]) -> int:
    return sum(
        len(squeezed(group.lead))
        for group in groups
        if squeezed(group.lead) == squeezed(group.other)
    )


def _kept(words: Sequence[RawWord], plan: Plan) -> list[RawWord]:
    return [word for word in words if word.confidence >= plan.keep]


def _search(rgba: Image.Image, engine: Engine, *, item: str, close: bool = False) -> list[RawWord]:
    def read(tile: Image.Image) -> list[RawWord]:
        prepared = prepare_colours(tile)
        longest = max(prepared.image.size)
        search_px = math.ceil(BIG_SHARE * longest) if max(tile.size) > BIG_PX else SEARCH_PX
        if close:
            search_px = max(search_px, CLOSE_PX)
        return _to_decoded(engine.read(prepared.image, mode=search_px, item=item), prepared)

    return read_in_tiles(rgba, read)


def _straight(rgba: Image.Image, engine: Engine, mode: int, *, item: str) -> list[RawWord]:
    def read(tile: Image.Image) -> list[RawWord]:
        prepared = prepare(tile)
        return _to_decoded(engine.read(prepared.image, mode=mode, item=item), prepared)

    return read_in_tiles(rgba, read)


def _to_decoded(words: Sequence[RawWord], prepared: Prepared) -> list[RawWord]:
    margin = prepared.margin_px
    return moved(words, x=margin, y=margin, scale=prepared.scale)


def _turned_reading(rgba: Image.Image, plan: Plan, upright: Reading, *, item: str) -> Reading:
    """The first turn at which both engines agree, or the straight reading."""
    for degrees in TURNS:
        reading = _with_both(turned(rgba, degrees), plan, item=item)
        if reading.agreement >= PAGE_AGREEMENT:
            words = [turn_back(word, degrees, rgba.size) for word in reading.words]
            return replace(reading, words=words)
    return upright


def _with_tesseract(rgba: Image.Image, plan: Plan, marks: int, item: str) -> Reading:
    """Tesseract alone: as a page, then for single words when that finds nothing."""
    engine = plan.engines["tesseract"]

    def judged(words: Sequence[RawWord]) -> Reading:
        return Reading(judge_alone(words, plan.odds))

    choices: list[tuple[int, Callable[[list[RawWord]], list[RawWord]]]] = [
        (plan.page_mode, lambda words: choose.writing(words, choose.STRAIGHT)),
        (plan.sparse_mode, lambda words: choose.writing(words, choose.SPARSE)),
    ]
    for mode, writing in choices[marks < MIN_ROW :]:  # a page of two letters is none
        words = _straight(rgba, engine, mode, item=item)
        if mode == plan.page_mode and choose.is_page(words):
            return judged(choose.page_writing(words))
        found = writing(words)
        if found:
            return judged(found)
    return Reading([])
