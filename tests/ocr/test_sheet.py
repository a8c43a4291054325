"""Tesseract reads line by line what it cannot read as a page."""

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from lowdiff.ocr.alone import judged_lines, lines_alone
from lowdiff.ocr.engine import ForOneImage, RawWord
from lowdiff.ocr.merge import Evidence
from lowdiff.ocr.sheet import best_lines, read_sheet, support
from lowdiff.ocr.strips import find_strips
from lowdiff.ocr.tesseract import open_tesseract


@pytest.fixture(scope="module")
def tesseract() -> ForOneImage:
    return ForOneImage(open_tesseract(("eng",), timeout_s=60), math.inf)


def striped(text: str) -> Image.Image:
    """Dark letters on stripes that lean towards them."""
    rows, columns = np.mgrid[:300, :600]
    tones = np.where((rows + columns) // 25 % 2, 235, 160).astype(np.uint8)
    picture = Image.fromarray(tones).convert("RGBA")
    font = ImageFont.load_default(64)
    ImageDraw.Draw(picture).text((60, 110), text, fill=(20, 20, 60, 255), font=font)
    return picture


def line(text: str, confidence: float, y: float = 0) -> list[RawWord]:
    return [RawWord(text, confidence, (0, y, 100, 20), (0, 0, 0))]


def test_words_on_a_pattern_are_read(tesseract):
    kept, _ = best_lines(read_sheet(striped("Harbour Sale"), tesseract, item="poster"))
    assert ["Harbour", "Sale"] in [[word.text for word in one] for one in kept]


def test_a_strip_lies_on_its_letters(written):
    strips = find_strips(written("SUMMER", at_px=(60, 80)))
    x, y, width, height = strips[0].box
    assert 40 <= x <= 62
    assert 70 <= y <= 95
    assert 100 <= width <= 260
    assert 25 <= height <= 60


def test_a_row_that_climbs_is_levelled(written, tesseract):
    leaning = written("SUMMER SALE", size_px=(500, 300), at_px=(90, 120)).rotate(
        14, fillcolor="white", resample=Image.Resampling.BICUBIC
    )
    kept, _ = best_lines(read_sheet(leaning, tesseract, item="leaning"))
    first = next(one for one in kept if one[0].text == "SUMMER")
    assert first[0].rotation == pytest.approx(-14, abs=4)


@pytest.mark.parametrize("size_px", [(1, 1), (3, 900), (64, 64)])
def test_where_nothing_is_drawn_there_is_no_strip(size_px):
    assert find_strips(Image.new("RGBA", size_px, "teal")) == []


def test_the_best_line_of_a_place_is_kept_and_backed_by_its_like():
    lines = [line("SALE", 0.9), line("SALE", 0.7), line("5ALE", 0.8), line("open", 0.9, y=100)]
    kept, dropped = best_lines(lines)
    assert [one[0].text for one in kept] == ["SALE", "open"]
    assert support(kept[0], dropped) == 0.7
    assert support(kept[1], dropped) == 0


def test_signs_at_the_ends_of_a_line_are_left_out():
    def odds(evidence: Evidence) -> float:
        return evidence.mine

    words = [RawWord(text, mine, (0, 0, 9, 9), (0, 0, 0)) for text, mine in ((")", 0.1), ("ok", 1))]
    known = [
        [(one, Evidence("only", "tesseract", one.text, one.confidence, 0, 0, 0)) for one in words]
    ]
    assert [one.text for one in judged_lines(known, odds, keep=0.5)] == ["ok"]


def test_a_page_that_reads_well_keeps_its_own_lines(written, tesseract):
    page = written("Summer sale\nuntil Friday", size_px=(500, 260))
    straight = tesseract.read(page.convert("L"), mode=3, item="page")
    found = lines_alone(page, straight, tesseract, item="page")
    assert {word.text for one in found for word, _ in one} == {"Summer", "sale", "until", "Friday"}
