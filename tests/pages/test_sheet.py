import base64
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lowdiff.pages.sheet import fit, on_white, picture


def opened(shown) -> Image.Image:
    head, body = shown.uri.split(",", 1)
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


@given(st.integers(1, 300), st.integers(1, 300), st.integers(8, 200))
@settings(max_examples=30, deadline=None)
def test_a_picture_is_never_larger_than_asked_and_says_its_size(width, height, longest):
    shown = picture(Image.new("RGB", (width, height), "teal"), longest_px=longest, alt="a box")
    assert max(shown.width_px, shown.height_px) <= longest
    assert opened(shown).size == (shown.width_px, shown.height_px)


def test_a_small_picture_keeps_every_pixel():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    shown = picture(Image.fromarray(noise), longest_px=128, alt="noise")
    assert np.array_equal(np.asarray(opened(shown).convert("RGB")), noise)


def test_the_same_pixels_give_the_same_text():
    image = Image.linear_gradient("L").convert("RGB")
    assert picture(image, longest_px=200, alt="") == picture(image.copy(), longest_px=200, alt="")


def test_what_is_transparent_becomes_white():
    assert on_white(Image.new("RGBA", (2, 2), (255, 0, 0, 0))).getpixel((0, 0)) == (255, 255, 255)


def test_fitting_leaves_the_callers_image_as_it_was():
    image = Image.new("RGB", (100, 50))
    assert fit(image, 10).size == (10, 5)
    assert image.size == (100, 50)
