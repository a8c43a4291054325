"""Backgrounds that were drawn on purpose are told apart, and the figure is cut out of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from lowdiff.labels.measure.background import measure_background, repetition
from lowdiff.labels.measure.cutout import cut_out

SIDE = 160
NO_WORDS = np.zeros((SIDE, SIDE), dtype=bool)
colours = st.tuples(*[st.integers(0, 255)] * 3)


def far(one, other) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) > 60


def disc(picture: Image.Image, ink: tuple[int, ...]) -> Image.Image:
    ImageDraw.Draw(picture).ellipse((50, 40, 110, 100), fill=ink)
    return picture


def drawn_disc() -> np.ndarray:
    return np.asarray(disc(Image.new("L", (SIDE, SIDE), 0), (255,))) > 0


def figure_of(picture: Image.Image) -> np.ndarray:
    rgba = np.asarray(picture)
    return cut_out(rgba, measure_background(rgba), NO_WORDS)[0]


@given(colours, colours)
@settings(max_examples=30, deadline=None)
def test_a_figure_on_one_flat_colour_is_cut_out_exactly(ground, ink):
    if not far(ground, ink):
        return
    picture = disc(Image.new("RGBA", (SIDE, SIDE), (*ground, 255)), (*ink, 255))
    found = measure_background(np.asarray(picture))
    assert (found.kind, found.colours) == ("plain", (ground,))
    np.testing.assert_array_equal(figure_of(picture), drawn_disc())


@given(colours)
@settings(max_examples=20, deadline=None)
def test_a_figure_on_nothing_is_cut_out_exactly(ink):
    picture = disc(Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0)), (*ink, 255))
    assert measure_background(np.asarray(picture)).kind == "transparent"
    np.testing.assert_array_equal(figure_of(picture), drawn_disc())


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
    assert cut_out(rgba, found, NO_WORDS)[0].mean() < 0.01


def test_a_figure_on_a_gradient_is_cut_out():
    ramp = np.linspace(40, 220, SIDE)[:, None, None] * np.ones((1, SIDE, 1))
    rgb = np.dstack([ramp, 255 - ramp, np.full_like(ramp, 90)])
    ground = Image.fromarray(np.dstack([rgb, np.full_like(ramp, 255)]).astype(np.uint8))
    found = figure_of(disc(ground, (255, 255, 255, 255)))
    assert (found != drawn_disc()).mean() < 0.01


@pytest.mark.parametrize("period", [10, 20, 32])
@pytest.mark.parametrize("kind", ["stripes", "checks"])
def test_what_repeats_is_a_pattern_without_a_figure(period, kind):
    y, x = np.mgrid[0:SIDE, 0:SIDE] // (period // 2) % 2
    shade = x if kind == "stripes" else x ^ y
    rgba = np.full((SIDE, SIDE, 4), 255, dtype=np.uint8)
    rgba[..., :3] = np.where(shade[..., None], (200, 40, 40), (250, 220, 90))
    found = measure_background(rgba)
    assert found.kind == "pattern"
    assert not cut_out(rgba, found, NO_WORDS)[0].any()


def test_a_figure_on_a_pattern_is_cut_out():
    y, x = np.mgrid[0:SIDE, 0:SIDE] // 8 % 2
    rgba = np.full((SIDE, SIDE, 4), 255, dtype=np.uint8)
    rgba[..., :3] = np.where((x ^ y)[..., None], (200, 40, 40), (250, 220, 90))
    found = figure_of(disc(Image.fromarray(rgba), (20, 30, 160, 255)))
    assert (found != drawn_disc()).mean() < 0.02


def test_noise_does_not_repeat():
    rng = np.random.default_rng(0)
    assert repetition(rng.normal(size=(SIDE, SIDE)).astype(np.float32)) < 0.2
    assert repetition(np.zeros((SIDE, SIDE), dtype=np.float32)) == 0


def test_a_hole_in_the_figure_belongs_to_the_figure_but_is_not_drawn():
    picture = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((30, 30, 130, 130), outline=(0, 0, 0, 255), width=6)
    filled = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(filled).ellipse((30, 30, 130, 130), fill=255)
    rgba = np.asarray(picture)
    figure, drawn = cut_out(rgba, measure_background(rgba), NO_WORDS)
    np.testing.assert_array_equal(figure, np.asarray(filled) > 0)
    np.testing.assert_array_equal(drawn, rgba[..., 3] > 0)


def test_words_panels_and_frames_are_no_figure():
    picture = Image.new("RGBA", (SIDE, SIDE), (255, 255, 255, 255))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((4, 4, 155, 155), outline=(0, 0, 0, 255), width=2)
    draw.rectangle((30, 60, 130, 100), fill=(20, 60, 200, 255))
    draw.rectangle((40, 70, 120, 90), fill=(255, 255, 255, 255))
    words = NO_WORDS.copy()
    words[68:92, 38:122] = True
    rgba = np.asarray(picture)
    assert not cut_out(rgba, measure_background(rgba, words), words)[0].any()
    assert cut_out(rgba, measure_background(rgba), NO_WORDS)[0].any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 200)])
def test_tiny_images_are_measured_too(shape):
    rgba = np.full((*shape, 4), 255, dtype=np.uint8)
    found = measure_background(rgba)
    assert found.kind == "plain"
    assert not cut_out(rgba, found, np.zeros(shape, dtype=bool))[0].any()


def test_real_photos_are_photos(test_data):
    paths = sorted((test_data / "raccoon").rglob("*.jpg"))[:40]
    kinds = []
    for path in paths:
        with Image.open(path) as opened:
            picture = opened.convert("RGBA")
        picture.thumbnail((256, 256))
        kinds.append(measure_background(np.asarray(picture)).kind)
    assert kinds.count("photo") >= 0.8 * len(paths)
