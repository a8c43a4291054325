import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from lowdiff.errors import ServiceError
from lowdiff.evaluation.lettering import (
    Read,
    error_rate,
    quoted_words,
    reading_with,
    retention_figures,
    spelling_figures,
)
from lowdiff.evaluation.pixels import Pixels
from lowdiff.ocr.open import open_reader


def sign(word: str) -> Pixels:
    image = Image.new("RGB", (256, 96), "white")
    font = ImageFont.load_default(size=48)
    ImageDraw.Draw(image).text((128, 48), word, fill="black", anchor="mm", font=font)
    return np.asarray(image)


def reads(words: dict[int, Read]):
    """A reader that knows pictures by their first pixel."""
    return lambda pixels: words[int(pixels[0, 0, 0])]


def flat(*values: int) -> Pixels:
    return np.stack([np.full((8, 8, 3), value, np.uint8) for value in values])


def test_an_error_rate_counts_edits_and_forgives_case_space_and_quotes():
    assert error_rate("  Big   SALE ", "big sale") == 0.0
    assert error_rate("sole", "sale") == 0.25
    assert error_rate("", "sale") == 1.0
    assert error_rate("a much longer text", "sale") == 1.0
    assert error_rate("don’t", "don't") == 0.0


def test_the_words_of_a_prompt_stand_in_quotes():
    assert quoted_words('A sign, with the words "SALE 50%".') == "SALE 50%"
    assert quoted_words("A raccoon.") == ""


def test_only_images_whose_words_are_sure_count():
    read = reads(
        {
            1: Read("sale", sure=True),
            2: Read("maybe", sure=False),
            3: Read("", sure=False),
            11: Read("sole", sure=True),
            12: Read("x", sure=True),
            13: Read("y", sure=True),
        }
    )
    figures = retention_figures(flat(1, 2, 3), flat(11, 12, 13), [0, 1, 2], read)
    assert (figures["cer"], figures["n"], figures["looked_at"]) == (0.25, 1, 3)
    none = retention_figures(flat(2, 3), flat(12, 13), [0, 1], read)
    assert "in none of 2 images" in none["skipped"]
    assert "no OCR engine" in retention_figures(flat(1), flat(1), [0], None)["skipped"]
    assert "has words" in retention_figures(flat(1), flat(1), [], read)["skipped"]


def test_the_chain_tells_where_lettering_dies():
    words = {1: "sale", 2: "sole", 3: ""}
    read = reads({key: Read(word, sure=True) for key, word in words.items()})
    prompts = ['A sign, with the words "SALE".', "A dog."]
    figures = spelling_figures(prompts, flat(3, 3), flat(1, 1), flat(2, 2), read)
    assert figures["chain"] == {"real": 0.0, "reconstruction": 0.25, "drawn": 1.0}
    assert (figures["cer"], figures["right"], figures["n"]) == (1.0, 0.0, 1)
    assert figures["ceiling"]["right"] == 1.0
    assert "quotes" in spelling_figures(["A dog."], flat(1), flat(1), flat(1), read)["skipped"]


def test_a_real_engine_reads_what_is_written():
    try:
        reader = open_reader(("eng",), ("tesseract",), timeout_s=60)
    except ServiceError as error:
        pytest.skip(str(error))
    assert error_rate(reading_with(reader)(sign("RACCOON")).text, "raccoon") == 0.0
    assert reading_with(reader)(np.full((64, 64, 3), 255, np.uint8)) == Read("", sure=False)
