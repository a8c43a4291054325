"""One image: known words are found where they are, drawings say nothing."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lowdiff.errors import InputError, ServiceError
from lowdiff.ocr.files import read_file
from lowdiff.ocr.first_look import look_for_text
from lowdiff.ocr.open import open_reader
from lowdiff.ocr.prepare import MARGIN_PX, prepare
from lowdiff.ocr.reader import Reader, read_image
from lowdiff.ocr.stage import ENGINES
from lowdiff.ocr.tesseract import open_tesseract
from tests.ocr.conftest import png

pytestmark = pytest.mark.integration


def read(picture: Image.Image, reader: Reader):
    return read_image(png(picture), "png", image_id="0" * 64, size_px=picture.size, reader=reader)


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ((0, 0, 0, 255), (255, 255, 255, 255)),
        ((255, 255, 255, 255), (20, 30, 90, 255)),
        ((0, 0, 0, 255), (0, 0, 0, 0)),
        ((255, 255, 255, 255), (255, 255, 255, 0)),
    ],
    ids=["dark on light", "light on dark", "dark on nothing", "white on nothing"],
)
def test_known_words_are_read_on_any_ground(written, reader, ink, ground):
    document = read(written("Summer SALE\nopens today", ink=ink, ground=ground), reader)
    assert document.text == "Summer SALE\nopens today"
    assert not document.needs_review
    assert [word.line for word in document.words] == [0, 0, 1, 1]


@pytest.mark.parametrize("scale", [1, 3])
def test_a_box_lies_on_its_ink(written, reader, scale):
    size_px, at_px = (400 * scale, 200 * scale), (40 * scale, 60 * scale)
    picture = written("HARBOUR", size_px=size_px, at_px=at_px, font_px=40 * scale)
    (word,) = read(picture, reader).words
    ys, xs = np.nonzero(np.asarray(picture.convert("L")) < 128)
    box = (word.x_px, word.y_px, word.x_px + word.w_px, word.y_px + word.h_px)
    ink = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    assert np.abs(np.subtract(box, ink)).max() <= 4 * scale


def test_boxes_are_told_in_the_pixels_that_the_caller_wants(written, reader):
    picture = written("HARBOUR")
    (word,) = read(picture, reader).words
    (half,) = read_image(
        png(picture), "png", image_id="0" * 64, size_px=(200, 100), reader=reader
    ).words
    assert abs(half.x_px - word.x_px / 2) <= 1
    assert abs(half.w_px - word.w_px / 2) <= 1


@pytest.mark.parametrize("size_px", [(1, 1), (1, 20000), (20000, 1), (40, 40), (5000, 4000)])
def test_an_image_of_one_colour_says_nothing(reader, size_px):
    document = read(Image.new("RGBA", size_px, (200, 30, 30, 255)), reader)
    assert (document.words, document.text, document.mean_confidence) == ([], "", None)
    assert not document.needs_review


def test_small_print_of_a_long_page_is_tiled_not_shrunk(written, reader):
    page = Image.new("RGBA", (700, 9000), "white")
    for top, text in ((60, "First paragraph"), (4700, "Middle of it"), (8900, "The very end")):
        page.paste(written(text, size_px=(300, 60), at_px=(10, 10), font_px=16), (40, top))
    expected = "First paragraph\nMiddle of it\nThe very end"
    assert read(page, reader).text == expected


def test_a_page_on_its_head_is_read(written, reader):
    text = "Reading matters a lot\nin every small village\nand in large cities too"
    page = written(text, size_px=(700, 300), font_px=36)
    document = read(page.rotate(180), reader)
    assert document.text == text
    assert {abs(word.rotation_deg) for word in document.words} == {180}


def test_a_face_says_nothing(reader):
    face = Image.new("RGBA", (512, 512), (0, 0, 0, 0))
    draw = ImageDraw.Draw(face)
    draw.ellipse((60, 60, 450, 450), fill=(255, 220, 90, 255), outline=(0, 0, 0, 255), width=12)
    for left in (170, 300):
        draw.ellipse((left, 180, left + 45, 240), fill=(0, 0, 0, 255))
    draw.arc((160, 200, 350, 370), 20, 160, fill=(0, 0, 0, 255), width=12)
    assert read(face, reader).words == []


def test_the_first_look_lets_writing_pass_and_spares_the_rest(written):
    assert look_for_text(prepare(written("OK", font_px=90)).image) == 2
    assert look_for_text(prepare(written("small print", font_px=14)).image) >= 3
    blank = Image.new("RGBA", (500, 500), (255, 255, 255, 255))
    ImageDraw.Draw(blank).ellipse((100, 100, 400, 400), fill=(200, 0, 0, 255))
    assert look_for_text(prepare(blank).image) == 0


def test_a_prepared_box_comes_back_to_the_decoded_pixels(written):
    prepared = prepare(written("a", size_px=(200, 100)))
    assert prepared.image.size == (600 + 2 * MARGIN_PX, 300 + 2 * MARGIN_PX)
    assert prepared.box_in_decoded((MARGIN_PX, MARGIN_PX, 300, 300)) == (0, 0, 100, 100)


def test_a_hung_engine_costs_one_image_and_says_so(written):
    for name in ENGINES:
        with pytest.raises(InputError, match="took longer than") as caught:
            read(written("HARBOUR"), open_reader(("eng",), (name,), timeout_s=0.001))
        assert caught.value.reason == "ocr_timeout"


def test_a_missing_language_names_the_package():
    with pytest.raises(InputError, match="apt-get install tesseract-ocr-tlh"):
        open_tesseract(("eng", "tlh"), timeout_s=1)


def test_a_missing_engine_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError, match="apt-get install tesseract-ocr"):
        open_tesseract(("eng",), timeout_s=1)


def test_real_icons_without_writing_get_no_words(test_data, reader, files):
    folder = test_data / "graphics"
    names = ("emoji_u1f981", "emoji_u1f34e", "emoji_u1f98b", "emoji_u1f333", "emoji_u1f41f")
    paths = [path for path in folder.rglob("*.*") if path.stem in names]
    for path in paths:
        assert read_file(path, reader=reader, **files).words == [], path
