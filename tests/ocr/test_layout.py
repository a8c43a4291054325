"""Reading order, tiles and turns: pure geometry."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lowdiff.ocr.engine import RawWord
from lowdiff.ocr.layout import in_reading_order
from lowdiff.ocr.page import in_page_order
from lowdiff.ocr.tiles import OVERVIEW_PX, TILE_PX, read_in_tiles, tiles_of
from lowdiff.ocr.turns import turn_back, turned


def at(text: str, x: float, y: float, *, h: float = 20, line=(0, 0, 0)) -> RawWord:
    return RawWord(text, 0.9, (x, y, 12.0 * len(text), h), line)


def texts(words: list[RawWord]) -> list[list[str]]:
    lines: dict[int, list[str]] = {}
    for word in words:
        lines.setdefault(word.line[2], []).append(word.text)
    return list(lines.values())


def test_words_side_by_side_make_a_line_and_lines_run_down():
    words = [at("today", 80, 42), at("SALE", 80, 2), at("Big", 10, 0), at("only", 10, 40)]
    assert texts(in_reading_order(words)) == [["Big", "SALE"], ["only", "today"]]


def test_columns_are_read_one_after_the_other():
    left = [at(f"left{n}", 0, 25 * n) for n in range(4)]
    right = [at(f"right{n}", 300, 25 * n + 3) for n in range(4)]
    order = [word.text for word in in_reading_order([*right, *left])]
    assert order == [word.text for word in [*left, *right]]


def test_the_words_of_a_line_that_climbs_stay_together():
    words = [replace(at(f"w{n}", 60 * n, 200 - 12.8 * n), rotation=-12.0) for n in range(5)]
    assert texts(in_reading_order(words)) == [["w0", "w1", "w2", "w3", "w4"]]


def test_lines_that_start_further_right_are_no_column():
    staggered = [at("first", 300, 0), at("second", 0, 24), at("third", 300, 48)]
    order = [word.text for word in in_reading_order(staggered)]
    assert order == ["first", "second", "third"]


def test_a_heading_over_columns_comes_first():
    words = [at("left", 0, 100), at("right", 400, 100), at("HEADING", 100, 0, h=30)]
    words += [at("low", 0, 125), at("end", 400, 125)]
    order = [word.text for word in in_reading_order(words)]
    assert order == ["HEADING", "left", "low", "right", "end"]


def test_a_page_keeps_the_guides_lines_and_takes_strangers_in():
    guide = [at("one", 0, 0, line=(1, 1, 1)), at("two", 0, 40, line=(1, 1, 2))]
    found = [at("two", 0, 41), at("one", 1, 0), at("more", 50, 40), at("last", 0, 90)]
    assert texts(in_page_order(found, guide)) == [["one"], ["two", "more"], ["last"]]


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=12))
def test_order_loses_no_word_and_invents_none(places):
    words = [at(f"w{number}", x, y) for number, (x, y) in enumerate(places)]
    assert sorted(word.text for word in in_reading_order(words)) == sorted(w.text for w in words)
    for guide in ([], words[: len(words) // 2]):
        ordered = in_page_order(words, guide)
        assert sorted(word.text for word in ordered) == sorted(word.text for word in words)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_word_of_a_turned_image_comes_back_to_its_ink(degrees):
    pixels = np.zeros((60, 100), dtype=np.uint8)
    pixels[10:20, 30:70] = 255
    ys, xs = np.nonzero(np.asarray(turned(Image.fromarray(pixels), degrees)))
    box = (xs.min(), ys.min(), xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min())
    word = RawWord("a", 1.0, tuple(float(side) for side in box), (0, 0, 0))
    back = turn_back(word, degrees, (100, 60))
    assert back.box == (30, 10, 40, 10)
    assert back.rotation == {90: -90, 180: 180, 270: 90}[degrees]


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_tiles_cover_the_image_and_none_is_too_big(width, height):
    tiles = list(tiles_of((width, height)))
    seen = np.zeros((height // 50 + 1, width // 50 + 1), dtype=bool)
    for left, top, right, bottom in tiles:
        assert 0 < right - left <= TILE_PX
        assert 0 < bottom - top <= TILE_PX
        assert (left >= 0, right <= width) == (True, True)
        assert (top >= 0, bottom <= height) == (True, True)
        seen[-(-top // 50) : bottom // 50 + 1, -(-left // 50) : right // 50 + 1] = True
    assert seen.all()


def test_a_word_at_a_seam_is_read_once():
    long = Image.new("L", (100, 3 * TILE_PX))
    marks = list(range(15, long.height - 30, 40))
    for top in marks:
        long.paste(255, (20, top, 60, top + 20))

    def read(tile: Image.Image) -> list[RawWord]:
        if tile.width < long.width:  # the look at the whole sees no big letters
            return []
        rows = np.asarray(tile)[:, 30] > 0
        starts = [y for y in range(1, tile.height) if rows[y] and not rows[y - 1]]
        return [at("word", 20, y, line=(0, 0, y)) for y in starts]

    found = read_in_tiles(long, read)
    assert sorted(word.box[1] for word in found) == marks
    assert [word.line for word in found] == sorted(word.line for word in found)


def test_big_letters_are_read_in_the_shrunken_whole_and_their_pieces_left_out():
    poster = Image.new("L", (2 * TILE_PX, TILE_PX))

    def read(tile: Image.Image) -> list[RawWord]:
        if max(tile.size) == OVERVIEW_PX:
            small = at("small", 10, 400, line=(1, 0, 1))
            return [replace(at("BIG", 100, 100), box=(100, 100, 800, 200)), small]
        return [at("piece", 900, 1000), at("small", 50, 1900, line=(1, 0, 1))]

    words = [word.text for word in read_in_tiles(poster, read)]
    assert words[0] == "BIG"
    assert set(words) == {"BIG", "small"}
