"""Words of several alphabets in one picture: none is lost or bent into the other's letters."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from lowdiff.errors import InputError
from lowdiff.ocr.alphabets import is_beyond, needs_tesseract
from lowdiff.ocr.open import open_reader
from lowdiff.ocr.reader import Reader, read_image
from lowdiff.ocr.stage import engines_for
from tests.ocr.conftest import png

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


@pytest.fixture(scope="module")
def russian() -> Reader:
    try:
        return open_reader(("rus", "eng"), timeout_s=60)
    except InputError:
        pytest.skip("Tesseract's Russian is not installed: make russian")


def read(text: str, reader: Reader) -> list[str]:
    picture = Image.new("RGBA", (900, 260), "white")
    try:
        font = ImageFont.truetype(FONT, 44)
    except OSError:
        pytest.skip(f"there is no font with Cyrillic letters: {FONT}")
    ImageDraw.Draw(picture).multiline_text((40, 40), text, fill="black", font=font)
    document = read_image(
        png(picture), "png", image_id="0" * 64, size_px=picture.size, reader=reader
    )
    return document.text.splitlines()


@pytest.mark.integration
@pytest.mark.parametrize(
    "text",
    ["Летняя РАСПРОДАЖА\nBrand NIKE 50%", "СКИДКА", "Скидки на весь товар\nв нашем магазине"],
)
def test_russian_and_latin_words_are_read_beside_each_other(russian, text):
    assert read(text, russian) == text.splitlines()


def test_only_letters_that_ppocr_knows_are_its_own():
    assert not is_beyond("Straße 50% 東京 ラーメン é")
    assert is_beyond("Sale СКИДКА")
    assert is_beyond("한국")
    assert needs_tesseract(["eng", "rus"])
    assert not needs_tesseract(["eng", "deu", "jpn"])


def test_ppocr_stays_out_where_it_knows_no_letter():
    both = ("tesseract", "rapidocr")
    assert engines_for(("eng",), both) == engines_for(("rus", "eng"), both)
    assert engines_for(("rus", "ukr"), both) == ("tesseract",)
    assert engines_for(("rus",), ("rapidocr",)) == ("rapidocr",)
    assert engines_for(("rus",), ("rapidocr", "tesserocr")) == ("tesserocr",)
