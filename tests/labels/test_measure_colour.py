"""Colours have the names that people give them, and are as strong as they look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.labels.measure.colour import BASIC_NAMES, NAMED, basic_name, name_of, oklab
from lowdiff.labels.measure.palette import figure_pixels, one_ink, palette_of, saturation_of


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
    assert saturation_of(oklab(np.array([rgb] * 50, dtype=np.uint8)))[0] == saturation


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


def test_every_shade_belongs_to_a_basic_colour():
    assert {basic_name(name) for name, _ in NAMED} == set(BASIC_NAMES)


def test_main_colours_come_in_the_order_of_their_area():
    pixels = [(220, 20, 20)] * 50 + [(20, 30, 220)] * 30 + [(0, 0, 0)] * 15 + [(0, 170, 0)] * 5
    assert palette_of(oklab(np.array(pixels, dtype=np.uint8)))[0] == ("red", "blue", "black")


def test_at_most_three_colours_are_main():
    pixels = [(220, 20, 20)] * 30 + [(20, 30, 220)] * 25 + [(0, 0, 0)] * 24 + [(0, 170, 0)] * 21
    assert palette_of(oklab(np.array(pixels, dtype=np.uint8)))[0] == ("red", "blue", "black")


def test_a_share_near_the_bound_is_less_clear():
    def clarity(number: int) -> float:
        pixels = [(220, 20, 20)] * (100 - number) + [(20, 30, 220)] * number
        return palette_of(oklab(np.array(pixels, dtype=np.uint8)))[1]

    assert clarity(11) < clarity(20) <= clarity(50)


def test_what_anti_aliasing_mixes_is_left_out():
    rgba = np.full((40, 40, 4), 255, dtype=np.uint8)
    rgba[:, 20:, :3] = (200, 0, 0)
    rgba[:3, 20, :3] = (228, 128, 128)
    found = figure_pixels(rgba, np.ones((40, 40), dtype=bool))
    assert len(found) == 40 * 40 - 3


def test_letters_have_one_ink():
    pixels = np.array([(20, 20, 24)] * 30 + [(120, 120, 122)] * 10, dtype=np.uint8)
    assert len(one_ink(oklab(pixels))) == 30


def test_white_and_black_are_the_ends_of_oklab():
    found = oklab(np.array([[0, 0, 0], [255, 255, 255]], dtype=np.uint8))
    np.testing.assert_allclose(found, [[0, 0, 0], [1, 0, 0]], atol=1e-3)
