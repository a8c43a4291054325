"""The reading plan: which engine looks at which version of an image, and when it is enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image

from lowdiff.ocr import calibrate, choose
from lowdiff.ocr.alone import (
    best_words,
    evidence_of_line,
    judged_lines,
    lines_alone,
    lines_of_page,
)
from lowdiff.ocr.engine import Engine, RawWord, moved
from lowdiff.ocr.layout import STEEPEST, in_reading_order
from lowdiff.ocr.looks import (
    BIG_PX,
    FIRST_LOOKS,
    MEDIUM_LOOKS,
    NARROW,
    SMALL_LOOKS,
    agreed,
    glance,
    has_spaced_letters,
    look,
    looks_at,
    shows_words,
)
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
from lowdiff.ocr.prepare import prepare
from lowdiff.ocr.strays import without_edge_signs
from lowdiff.ocr.tiles import read_in_tiles
from lowdiff.ocr.turns import turn_back, turned

PAGE_MODE = 3
"""Tesseract's automatic page segmentation: best on pages and screenshots, quiet on drawings."""
SPARSE_MODE = 11
"""Tesseract's sparse text: finds the words of logos, stickers and signs."""
ENOUGH = 0.9
"""With so much agreement between the engines no further look is taken."""
PAGE_AGREEMENT = 0.6
"""So much agreement on at least `PAGE_LETTERS` letters makes a page: Tesseract orders those."""
PAGE_LETTERS = 20
KEEP = 0.5
"""Words that are less probably right are dropped."""
KEEP_LINES = 0.35
"""The same for lines that were cut out, when there is no other engine."""
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
    quick: bool = False
    """Each engine looks once, at the whole image: what this costs in quality is measured."""

    @property
    def parameters(self) -> dict[str, str | int | float | bool | list[int]]:
        """What the result depends on, beside the engines' versions."""
        return {
            "page_modes": [self.page_mode, self.sparse_mode],
            "looks": [look.search_px for look in (*SMALL_LOOKS, *MEDIUM_LOOKS)],
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
        return choose.mean_confidence(self.words)


def read_words(rgba: Image.Image, plan: Plan, *, item: str) -> Reading:
    """Read an image with all engines of the plan.

    Args:
        rgba: decoded pixels, mode RGBA.
        plan: the engines and their modes.
        item: id or path for messages.

    Raises:
        InputError: an engine hung or crashed on it.
    """
    if "rapidocr" not in plan.engines:
        return _with_tesseract(rgba, plan, item)
    if "tesseract" not in plan.engines:
        words = all_looks(rgba, plan.engines["rapidocr"], item=item)
        return Reading(_kept(in_reading_order(judge_alone(words, plan.odds)), plan))
    reading = _with_both(rgba, plan, item=item)
    letters = sum(choose.letters(word.text) for word in reading.words)
    if letters >= TURNED_LETTERS and reading.agreement < TURNED_AGREEMENT:
        return _turned_reading(rgba, plan, reading, item=item)
    return reading


def worth_reading(rgba: Image.Image, plan: Plan, *, marks: int, item: str) -> bool:
    """Whether anything shows that looks like writing: cheaper than reading it.

    Args:
        marks: what the first look said.

    Raises:
        InputError: an engine hung or crashed on it.
    """
    if marks or "rapidocr" not in plan.engines or max(rgba.size) > BIG_PX:
        return marks > 0
    return glance(rgba, plan.engines["rapidocr"], item=item)


def _with_both(rgba: Image.Image, plan: Plan, *, item: str) -> Reading:
    """Look until both engines agree, or until all looks are taken."""
    engine, tesseract = plan.engines["rapidocr"], plan.engines["tesseract"]
    readings: list[list[RawWord]] = []
    straight: list[RawWord] | None = None
    merged = Reading([])
    for how in looks_at(rgba.size):
        readings.append(look(rgba, how, engine, item=item))
        seen = agreed(readings)
        if len(readings) == FIRST_LOOKS and not shows_words(seen):
            return Reading([])  # what Tesseract alone sees in a picture is never right
        if straight is None and shows_words(seen):
            straight = straight_words(rgba, tesseract, plan.page_mode, item=item)
        if straight is not None:
            merged = merge(seen, straight, plan)
        if plan.quick or _is_enough(merged):
            return merged
    if max(rgba.size) > BIG_PX:
        return merged if straight is not None else _with_tesseract(rgba, plan, item)
    if straight is None:
        return merged
    if has_spaced_letters(seen):
        narrow = replace(looks_at(rgba.size)[0], narrow=NARROW)
        readings.append(look(rgba, narrow, engine, item=item))
    lines = best_words(rgba, straight, tesseract, item=item)
    return merge(agreed(readings), straight, plan, lines=lines)


def _is_enough(reading: Reading) -> bool:
    """True when further looks would hardly change it: on pages they cost most and help least."""
    count = sum(choose.letters(word.text) for word in reading.words)
    is_long = count >= choose.PAGE_LETTERS
    return reading.agreement >= (PAGE_AGREEMENT if is_long else ENOUGH)


def all_looks(rgba: Image.Image, engine: Engine, *, item: str) -> list[RawWord]:
    """PP-OCR alone: look until two looks say the same."""
    readings: list[list[RawWord]] = []
    for how in looks_at(rgba.size):
        readings.append(look(rgba, how, engine, item=item))
        if len(readings) == 2 and agreement(group_words(*readings)) >= ENOUGH:
            break
    if has_spaced_letters(agreed(readings)):
        narrow = replace(looks_at(rgba.size)[0], narrow=NARROW)
        readings.append(look(rgba, narrow, engine, item=item))
    return agreed(readings)


def merge(
    seen: Sequence[RawWord],
    straight: Sequence[RawWord],
    plan: Plan,
    *,
    lines: Sequence[RawWord] | None = None,
) -> Reading:
    """One reading out of PP-OCR's and Tesseract's.

    Args:
        seen: PP-OCR's words.
        straight: Tesseract's words of the image as it is: a page is ordered like them.
        plan: what judges the words.
        lines: what Tesseract came to in the end, when that is more than `straight`.
    """
    is_page = _is_page(seen, straight)
    groups = group_words(seen, straight if lines is None else lines)
    company = agreement(groups)
    choices = [choose_words(group, company=company, odds=plan.odds) for group in groups]
    words = [word for choice in choices if choice.any_right >= plan.keep for word in choice.words]
    ordered = in_page_order(words, straight) if is_page else in_reading_order(words)
    evidence = [side for group in groups for side in evidence_of(group, company=company)]
    return Reading(ordered, company, evidence)


def _is_page(seen: Sequence[RawWord], straight: Sequence[RawWord]) -> bool:
    if any(0 < abs(word.rotation) <= STEEPEST for word in seen):
        return False  # Tesseract tears lines that climb apart
    groups = group_words(seen, straight)
    return agreement(groups) >= PAGE_AGREEMENT and _letters_agreed(groups) >= PAGE_LETTERS


def _letters_agreed(groups: Sequence[Group]) -> int:
    return sum(
        len(squeezed(group.lead))
        for group in groups
        if squeezed(group.lead) == squeezed(group.other)
    )


def _kept(words: Sequence[RawWord], plan: Plan) -> list[RawWord]:
    return [word for word in words if word.confidence >= plan.keep]


def straight_words(rgba: Image.Image, engine: Engine, mode: int, *, item: str) -> list[RawWord]:
    """Tesseract's words of the image as it is, in the page segmentation mode `mode`."""

    def read(tile: Image.Image) -> list[RawWord]:
        prepared = prepare(tile)
        margin = prepared.margin_px
        words = engine.read(prepared.image, mode=mode, item=item)
        return moved(words, x=margin, y=margin, scale=prepared.scale)

    return without_edge_signs(read_in_tiles(rgba, read))


def _turned_reading(rgba: Image.Image, plan: Plan, upright: Reading, *, item: str) -> Reading:
    """The first turn at which both engines agree, or the straight reading."""
    for degrees in TURNS:
        reading = _with_both(turned(rgba, degrees), plan, item=item)
        if reading.agreement >= PAGE_AGREEMENT:
            words = [turn_back(word, degrees, rgba.size) for word in reading.words]
            return replace(reading, words=words)
    return upright


def _with_tesseract(rgba: Image.Image, plan: Plan, item: str) -> Reading:
    """Tesseract alone: as a page, then line by line when that is not clear."""
    engine = plan.engines["tesseract"]
    straight = straight_words(rgba, engine, plan.page_mode, item=item)
    is_big = max(rgba.size) > BIG_PX
    least = choose.BIG_PAGE_LETTERS if is_big else choose.PAGE_LETTERS
    if choose.is_clear_page(straight, least=least):
        return _page_alone(straight, plan)
    if plan.quick:
        lines = [evidence_of_line(line) for line in lines_of_page(straight)]
        return Reading(judged_lines(lines, plan.odds, plan.keep))
    count = sum(choose.letters(word.text) for word in straight)
    if count >= choose.PAGE_LETTERS:
        for degrees in TURNS:  # a page of rubbish may lie on its side
            words = straight_words(turned(rgba, degrees), engine, plan.page_mode, item=item)
            if choose.is_clear_page(words):
                page = _page_alone(words, plan)
                back = [turn_back(word, degrees, rgba.size) for word in page.words]
                return replace(page, words=back)
    if count >= choose.DENSE_LETTERS:
        return _page_alone(straight, plan)
    lines = lines_alone(rgba, straight, engine, item=item)
    words = judged_lines(lines, plan.odds, KEEP_LINES)
    if not words:
        sparse = straight_words(rgba, engine, plan.sparse_mode, item=item)
        lines = [evidence_of_line(line) for line in lines_of_page(sparse)]
        words = judged_lines(lines, plan.odds, plan.keep)
    is_page = _is_page(words, straight)
    return Reading(in_page_order(words, straight) if is_page else in_reading_order(words))


def _page_alone(words: Sequence[RawWord], plan: Plan) -> Reading:
    """A page keeps its doubtful words, but no lines without letters."""
    lines = [
        evidence_of_line(line)
        for line in lines_of_page(words)
        if any(choose.letters(word.text) for word in line)
    ]
    return Reading(judged_lines(lines, plan.odds, keep=0.0))
