"""Sizes, places and colours of figures that were drawn on purpose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowdiff.labels.measure.colour import name_of, oklab
from lowdiff.labels.measure.figure import (
    figure_boxes,
    main_colours,
    measure_layout,
    measure_saturation,
    measure_size,
)

SIDE = 200


def mask_of(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask


def layout_of(mask: np.ndarray) -> str:
    return measure_layout(mask, figure_boxes(mask)).value


@given(st.integers(0, SIDE), st.integers(0, SIDE))
@settings(deadline=None)
def test_figure_size_follows_the_share_of_the_area(width, height):
    share = width * height / SIDE**2
    expected = (
        "small" if share < 0.1 else "medium" if share < 1 / 3 else "large" if share < 0.95
        else "full"
    )  # fmt: skip
    found = measure_size(mask_of((0, 0, width, height)))
    assert found.value == expected
    assert 0.55 <= found.confidence <= 0.95


@given(st.integers(0, 120), st.integers(0, 120), st.integers(20, 80), st.integers(20, 80))
@settings(deadline=None)
def test_one_rectangle_is_one_figure_with_its_own_box(left, top, width, height):
    (box,) = figure_boxes(mask_of((left, top, left + width, top + height)))
    found = np.array([box.left, box.top, box.right, box.bottom]) * SIDE
    truth = [left, top, left + width, top + height]
    # at the very edge a joined figure reaches it
    assert np.abs(found - truth).max() <= 4


@pytest.mark.parametrize(
    ("box", "layout"),
    [
        ((70, 70, 130, 130), "centred"),
        ((20, 80, 60, 120), "left"),
        ((140, 80, 180, 120), "right"),
        ((80, 20, 120, 60), "top"),
        ((80, 140, 120, 180), "bottom"),
        ((0, 0, SIDE, SIDE), "full-bleed"),
    ],
)
def test_the_layout_is_where_the_mass_lies(box, layout):
    assert layout_of(mask_of(box)) == layout


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
    assert len(figure_boxes(mask)) == len(boxes)
    assert layout_of(mask) == "grid"


def test_figures_without_order_are_scattered():
    mask = mask_of((10, 10, 40, 40), (90, 30, 120, 60), (50, 110, 80, 140), (150, 150, 180, 180))
    assert layout_of(mask) == "scattered"


def test_details_are_no_figures_and_near_parts_are_one():
    assert len(figure_boxes(mask_of((50, 50, 150, 150), (10, 10, 20, 20)))) == 1
    assert len(figure_boxes(mask_of((50, 50, 98, 150), (100, 50, 150, 150)))) == 1
    assert figure_boxes(mask_of()) == []


@pytest.mark.parametrize(
    ("rgb", "saturation"),
    [
        ((128, 128, 128), "grey"),
        ((0, 0, 0), "grey"),
        ((255, 255, 255), "grey"),
        ((150, 130, 110), "muted"),
        ((120, 140, 160), "muted"),
        ((230, 30, 30), "vivid"),
        ((30, 60, 220), "vivid"),
    ],
)
def test_saturation_is_how_strong_the_colour_is(rgb, saturation):
    found = measure_saturation(oklab(np.array([rgb] * 50, dtype=np.uint8)))
    assert found.value == saturation
    assert found.confidence > 0.75


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"), ((255, 255, 255), "white"), ((63, 63, 63), "dark grey"),
        ((130, 130, 130), "grey"), ((250, 10, 10), "red"), ((20, 20, 230), "blue"),
        ((10, 170, 20), "green"), ((250, 240, 20), "yellow"), ((110, 70, 45), "brown"),
        ((255, 170, 190), "pink"), ((130, 20, 140), "purple"), ((255, 145, 10), "orange"),
    ],
)  # fmt: skip
def test_colours_have_the_names_that_people_give_them(rgb, name):
    assert name_of(rgb) == name


@given(st.integers(0, 255))
def test_a_grey_is_never_called_a_colour(level):
    assert name_of((level,) * 3) in ("black", "dark grey", "grey", "light grey", "white")


def test_main_colours_come_in_the_order_of_their_area():
    pixels = [(220, 20, 20)] * 50 + [(20, 30, 220)] * 30 + [(0, 0, 0)] * 15 + [(0, 170, 0)] * 5
    assert main_colours(oklab(np.array(pixels, dtype=np.uint8))) == ("red", "blue")


def test_white_and_black_are_the_ends_of_oklab():
    found = oklab(np.array([[0, 0, 0], [255, 255, 255]], dtype=np.uint8))
    np.testing.assert_allclose(found, [[0, 0, 0], [1, 0, 0]], atol=1e-3)
