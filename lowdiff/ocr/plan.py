"""The reading plan: the engines, how they look at an image, and how what they say becomes one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image

from lowdiff.ocr import calibrate, choose
from lowdiff.ocr.engine import Engine, RawWord, moved
from lowdiff.ocr.layout import STEEPEST, in_reading_order
from lowdiff.ocr.looks import MEDIUM_LOOKS, SMALL_LOOKS
from lowdiff.ocr.merge import (
    Evidence,
    Group,
    Odds,
    agreement,
    choose_words,
    evidence_of,
    group_words,
    squeezed,
)
from lowdiff.ocr.page import in_page_order
from lowdiff.ocr.prepare import prepare
from lowdiff.ocr.rings import SEARCH_PX as RING_PX
from lowdiff.ocr.rings import RingReading
from lowdiff.ocr.strays import without_edge_signs
from lowdiff.ocr.tiles import read_in_tiles

PAGE_MODE = 3
"""Tesseract's automatic page segmentation: best on pages and screenshots, quiet on drawings."""
SPARSE_MODE = 11
"""Tesseract's sparse text: finds the words of logos, stickers and signs."""
PAGE_AGREEMENT = 0.6
"""So much agreement on at least `PAGE_LETTERS` letters makes a page: Tesseract orders those."""
PAGE_LETTERS = 20
KEEP = 0.5
"""Words that are less probably right are dropped."""


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
            "ring_look": RING_PX,
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


def merge(
    seen: Sequence[RawWord],
    straight: Sequence[RawWord],
    plan: Plan,
    *,
    lines: Sequence[RawWord] | None = None,
    ring: RingReading | None = None,
) -> Reading:
    """One reading out of PP-OCR's and Tesseract's.

    Args:
        seen: PP-OCR's words.
        straight: Tesseract's words of the image as it is: a page is ordered like them.
        plan: what judges the words.
        lines: what Tesseract came to in the end, when that is more than `straight`.
        ring: what is written around a ring.
    """
    others = straight if lines is None else lines
    if ring is not None:
        seen, others = ring.instead_of(seen, others)
    groups = group_words(seen, others)
    company = agreement(groups)
    choices = [choose_words(group, company=company, odds=plan.odds) for group in groups]
    words = [word for choice in choices if choice.any_right >= plan.keep for word in choice.words]
    if ring is not None:
        ordered = ring.in_order(words)
    elif is_page(seen, straight):
        ordered = in_page_order(words, straight)
    else:
        ordered = in_reading_order(words)
    evidence = [side for group in groups for side in evidence_of(group, company=company)]
    return Reading(ordered, company, evidence)


def is_page(seen: Sequence[RawWord], straight: Sequence[RawWord]) -> bool:
    """Whether both engines agree on so much that Tesseract's order of lines can be trusted."""
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


def straight_words(rgba: Image.Image, engine: Engine, mode: int, *, item: str) -> list[RawWord]:
    """Tesseract's words of the image as it is, in the page segmentation mode `mode`."""

    def read(tile: Image.Image) -> list[RawWord]:
        prepared = prepare(tile)
        margin = prepared.margin_px
        words = engine.read(prepared.image, mode=mode, item=item)
        return moved(words, x=margin, y=margin, scale=prepared.scale)

    return without_edge_signs(read_in_tiles(rgba, read))
