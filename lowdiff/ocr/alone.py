"""Tesseract without a second engine: the image as a page, and its lines one by one."""

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from lowdiff.ocr import choose
from lowdiff.ocr.choose import mean_confidence
from lowdiff.ocr.engine import Engine, RawWord
from lowdiff.ocr.layout import in_reading_order
from lowdiff.ocr.looks import BIG_PX
from lowdiff.ocr.merge import Evidence, Odds
from lowdiff.ocr.page import in_page_order
from lowdiff.ocr.plan import Plan, Reading, is_page, straight_words
from lowdiff.ocr.sheet import Line, best_lines, read_sheet, support
from lowdiff.ocr.turns import TURNS, turn_back, turned

KEEP_LINES = 0.35
"""Lines that were cut out and are less probably right are dropped."""


def with_tesseract(rgba: Image.Image, plan: Plan, *, item: str) -> Reading:
    """Read as a page, then line by line when that is not clear.

    Raises:
        InputError: the engine hung or crashed on it.
    """
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
    if is_page(words, straight):
        return Reading(in_page_order(words, straight))
    return Reading(in_reading_order(words))


def lines_of_page(words: Sequence[RawWord]) -> list[Line]:
    """The words of a reading, by Tesseract's own lines."""
    lines: dict[tuple[int, int, int], Line] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    return [line for _, line in sorted(lines.items())]


def lines_alone(
    rgba: Image.Image, straight: Sequence[RawWord], engine: Engine, *, item: str
) -> list[list[tuple[RawWord, Evidence]]]:
    """The best line of every place, out of the page's and of those that were cut out.

    Args:
        rgba: decoded pixels, mode RGBA.
        straight: Tesseract's words of the image as it is.
        engine: Tesseract.
        item: id or path for messages.

    Raises:
        InputError: the engine hung or crashed on it.
    """
    page = lines_of_page(straight)
    kept, dropped = best_lines([*page, *read_sheet(rgba, engine, item=item)])
    return [
        evidence_of_line(line, support(line, dropped), is_of_page=line in page) for line in kept
    ]


def best_words(
    rgba: Image.Image, straight: Sequence[RawWord], engine: Engine, *, item: str
) -> list[RawWord]:
    """The words of the same lines, for a merge that judges them beside another engine's."""
    lines = lines_alone(rgba, straight, engine, item=item)
    return [word for line in lines for word, _ in line]


def evidence_of_line(
    line: Line, backing: float = 0.0, *, is_of_page: bool = True
) -> list[tuple[RawWord, Evidence]]:
    """What is known about each word of a line.

    Args:
        backing: how sure another cut of the same place was of the same text.
        is_of_page: Tesseract itself took it for a line of the image as it is.
    """
    mean, page = mean_confidence(line), float(is_of_page)
    return [
        (word, Evidence("only", word.engine, word.text, word.confidence, backing, mean, page))
        for word in line
    ]


def judged_lines(
    lines: Sequence[Sequence[tuple[RawWord, Evidence]]], odds: Odds, keep: float
) -> list[RawWord]:
    """The words of the lines that are right rather than not, with calibrated confidence.

    Signs stand before or behind a word: what is doubtful there is left out.
    """
    words: list[RawWord] = []
    for line in lines:
        judged = [replace(word, confidence=odds(evidence)) for word, evidence in line]
        while judged and judged[0].confidence < keep:
            del judged[0]
        while judged and judged[-1].confidence < keep:
            del judged[-1]
        if mean_confidence(judged) >= keep:
            words.extend(judged)
    return words


def _page_alone(words: Sequence[RawWord], plan: Plan) -> Reading:
    """A page keeps its doubtful words, but no lines without letters."""
    lines = [
        evidence_of_line(line)
        for line in lines_of_page(words)
        if any(choose.letters(word.text) for word in line)
    ]
    return Reading(judged_lines(lines, plan.odds, keep=0.0))
