"""Tesseract without a second engine: the image as a page, and its lines one by one."""

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from lowdiff.ocr.choose import mean_confidence
from lowdiff.ocr.engine import Engine, RawWord
from lowdiff.ocr.merge import Evidence, Odds
from lowdiff.ocr.sheet import Line, best_lines, read_sheet, support


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
