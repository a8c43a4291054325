"""Sizes, places and numbers of figures that were drawn on purpose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowdiff.labels.measure.figure import count_of, find_figures, layout_of, size_of

SIDE = 200
NO_WORDS = np.zeros((SIDE, SIDE), dtype=bool)


def mask_of(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask


def layout(mask: np.ndarray, words: np.ndarray = NO_WORDS) -> str:
    return layout_of(find_figures(mask), words)[0]


@given(st.integers(0, SIDE), st.integers(0, SIDE))
@settings(deadline=None)
def test_figure_size_follows_the_share_of_the_area(width, height):
    share = width * height / SIDE**2
    expected = (
        "small" if share < 0.1 else "medium" if share < 1 / 3 else "large" if share < 0.95
        else "full"
    )  # fmt: skip
    assert size_of(find_figures(mask_of((0, 0, width, height))).share)[0] == expected


@given(st.integers(0, 120), st.integers(0, 120), st.integers(20, 80), st.integers(20, 80))
@settings(deadline=None)
def test_one_rectangle_is_one_figure_with_its_own_box(left, top, width, height):
    (box,) = find_figures(mask_of((left, top, left + width, top + height))).boxes
    found = np.array([box.left, box.top, box.right, box.bottom]) * SIDE
    np.testing.assert_allclose(found, [left, top, left + width, top + height])


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((70, 70, 130, 130), "centred"),
        ((20, 80, 60, 120), "left"),
        ((140, 80, 180, 120), "right"),
        ((80, 20, 120, 60), "top"),
        ((80, 140, 120, 180), "bottom"),
        ((0, 0, SIDE, SIDE), "full-bleed"),
    ],
)
def test_the_layout_is_where_the_mass_lies(box, expected):
    assert layout(mask_of(box)) == expected


def test_without_a_figure_the_layout_is_where_the_words_stand():
    assert layout(mask_of(), mask_of((20, 90, 60, 110))) == "left"
    assert layout(mask_of()) == "full-bleed"


@given(st.integers(2, 4), st.integers(2, 4))
@settings(deadline=None)
def test_figures_in_rows_and_columns_are_a_grid(columns, rows):
    step = SIDE // 4
    boxes = [
        (x * step + 10, y * step + 10, x * step + 38, y * step + 38)
        for x in range(columns)
        for y in range(rows)
    ]
    mask = mask_of(*boxes)
    assert len(find_figures(mask).boxes) == len(boxes)
    assert layout(mask) == "grid"


def test_figures_without_order_are_scattered():
    mask = mask_of((10, 10, 40, 40), (90, 30, 120, 60), (50, 110, 80, 140), (150, 150, 180, 180))
    assert layout(mask) == "scattered"


def test_details_are_no_figures_and_near_parts_are_one():
    assert len(find_figures(mask_of((50, 50, 150, 150), (10, 10, 20, 20))).boxes) == 1
    assert len(find_figures(mask_of((50, 50, 98, 150), (100, 50, 150, 150))).boxes) == 1
    assert find_figures(mask_of()).boxes == ()


def test_beside_words_a_small_mark_is_no_figure():
    mark = mask_of((10, 10, 28, 28))
    assert len(find_figures(mark).boxes) == 1
    assert find_figures(mark, has_words=True).boxes == ()


@given(st.integers(0, 40))
def test_every_number_of_figures_has_a_name(number):
    expected = {0: "none", 1: "one", 2: "two", 3: "three"}
    assert count_of(number) == expected.get(number, "few" if number < 7 else "many")
