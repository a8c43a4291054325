"""Backgrounds that were drawn on purpose are told apart, and the figure is cut out of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from lowdiff.labels.measure.background import measure_background, repetition

SIDE = 160
colours = st.tuples(*[st.integers(0, 255)] * 3)


def far(one, other) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) > 60


def disc(picture: Image.Image, ink: tuple[int, ...]) -> Image.Image:
    ImageDraw.Draw(picture).ellipse((50, 40, 110, 100), fill=ink)
    return picture


def drawn_disc() -> np.ndarray:
    return np.asarray(disc(Image.new("L", (SIDE, SIDE), 0), (255,))) > 0


@given(colours, colours)
@settings(max_examples=30, deadline=None)
def test_a_figure_on_one_flat_colour_is_cut_out_exactly(ground, ink):
    if not far(ground, ink):
        return
    picture = disc(Image.new("RGBA", (SIDE, SIDE), (*ground, 255)), (*ink, 255))
    found = measure_background(np.asarray(picture))
    assert (found.kind, found.colour) == ("plain", ground)
    assert found.confidence > 0.9
    np.testing.assert_array_equal(found.figure, drawn_disc())


@given(colours)
@settings(max_examples=20, deadline=None)
def test_a_figure_on_nothing_is_cut_out_exactly(ink):
    found = measure_background(
        np.asarray(disc(Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0)), (*ink, 255)))
    )
    assert (found.kind, found.colour) == ("transparent", None)
    np.testing.assert_array_equal(found.figure, drawn_disc())


@given(colours, colours, st.floats(0, 6.28))
@settings(max_examples=40, deadline=None)
def test_a_smooth_change_of_colour_is_a_gradient(start, end, angle):
    if not far(start, end):
        return
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    way = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
    way = (way - way.min()) / (way.max() - way.min())
    rgb = np.array(start) + way[..., None] * (np.array(end) - np.array(start))
    rgba = np.dstack([rgb, np.full((SIDE, SIDE), 255)]).round().astype(np.uint8)
    found = measure_background(rgba)
    assert found.kind == "gradient"
    assert found.figure.mean() < 0.01


@pytest.mark.parametrize("period", [10, 20, 32])
@pytest.mark.parametrize("kind", ["stripes", "checks"])
def test_what_repeats_is_a_pattern(period, kind):
    y, x = np.mgrid[0:SIDE, 0:SIDE] // (period // 2) % 2
    shade = x if kind == "stripes" else x ^ y
    rgba = np.full((SIDE, SIDE, 4), 255, dtype=np.uint8)
    rgba[..., :3] = np.where(shade[..., None], (200, 40, 40), (250, 220, 90))
    found = measure_background(rgba)
    assert found.kind == "pattern"
    assert found.confidence > 0.75
    assert found.figure.all()


def test_noise_does_not_repeat_and_is_no_sure_pattern():
    rng = np.random.default_rng(0)
    assert repetition(rng.normal(size=(SIDE, SIDE)).astype(np.float32)) < 0.2
    assert repetition(np.zeros((SIDE, SIDE), dtype=np.float32)) == 0


def test_a_hole_in_the_figure_belongs_to_the_figure():
    picture = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((30, 30, 130, 130), outline=(0, 0, 0, 255), width=6)
    filled = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(filled).ellipse((30, 30, 130, 130), fill=255)
    found = measure_background(np.asarray(picture))
    np.testing.assert_array_equal(found.figure, np.asarray(filled) > 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 200)])
def test_tiny_images_are_measured_too(shape):
    found = measure_background(np.full((*shape, 4), 255, dtype=np.uint8))
    assert found.kind == "plain"
    assert not found.figure.any()


def test_real_photos_are_photos(test_data):
    paths = sorted((test_data / "raccoon").rglob("*.jpg"))[:40]
    kinds = []
    for path in paths:
        with Image.open(path) as opened:
            picture = opened.convert("RGBA")
        picture.thumbnail((256, 256))
        kinds.append(measure_background(np.asarray(picture)).kind)
    assert kinds.count("photo") >= 0.8 * len(paths)
