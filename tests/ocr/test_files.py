"""Files of all kinds without a workspace: a clear document or a clear refusal, never a hang."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.ocr.document import OcrDocument, to_record
from lowdiff.ocr.files import read_file, read_files
from lowdiff.ocr.reader import read_image
from tests.ocr.conftest import png

pytestmark = pytest.mark.integration


def names_and_texts(results: list[OcrDocument | InputError]) -> list[tuple[str, str]]:
    """File name → its text, or the reason why there is none."""
    return [
        (Path(one.path or "").name, one.text)
        if isinstance(one, OcrDocument)
        else (Path(one.item).name, one.reason)
        for one in results
    ]


@pytest.fixture
def word(written) -> Image.Image:
    return written("HARBOUR")


def test_a_file_tells_its_path_and_follows_the_schema(word, reader, files, tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(png(word))
    document = read_file(path, reader=reader, **files)
    assert (document.text, document.path) == ("HARBOUR", str(path))
    assert to_record(document)["path"] == str(path)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("cmyk.jpg", "CMYK"),
        ("cmyk.tif", "CMYK"),
        ("deep.png", "I;16"),
        ("deep.tif", "I;16"),
        ("grey.png", "L"),
        ("bits.png", "1"),
        ("palette.gif", "P"),
        ("alpha.webp", "RGBA"),
        ("grey_alpha.png", "LA"),
        ("float.tif", "F"),
    ],
)
def test_every_depth_and_colour_is_read(word, reader, files, tmp_path: Path, name, mode):
    picture = word.convert("RGB")
    if mode == "I;16":
        deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(tmp_path / name)
    else:
        source = word if "A" in mode else picture.convert("L") if mode == "F" else picture
        source.convert(mode).save(tmp_path / name)
    assert read_file(tmp_path / name, reader=reader, **files).text == "HARBOUR"


def test_an_animation_is_read_by_its_first_frame(written, reader, files, tmp_path: Path):
    path = tmp_path / "a.gif"
    frames = [written(text).convert("RGB") for text in ("HARBOUR", "WINTER")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert read_file(path, reader=reader, **files).text == "HARBOUR"


@pytest.mark.parametrize("size_px", [(1, 1), (1, 20000), (20000, 1), (300, 300)])
def test_an_image_without_text_is_a_document_that_says_nothing(
    reader, files, tmp_path: Path, size_px
):
    path = tmp_path / "a.png"
    Image.new("RGB", size_px, "teal").save(path)
    document = read_file(path, reader=reader, **files)
    assert (document.width_px, document.height_px) == size_px
    assert (document.words, document.text, document.mean_confidence) == ([], "", None)
    assert not document.needs_review


def test_an_image_of_50_megapixels_is_read_and_a_larger_one_refused(
    written, reader, files, tmp_path: Path
):
    path = tmp_path / "huge.png"
    huge = Image.new("RGB", (7000, 7000), "white")
    huge.paste(written("HARBOUR", size_px=(800, 300), font_px=120).convert("RGB"), (600, 600))
    huge.save(path)
    assert read_file(path, reader=reader, **files).text == "HARBOUR"
    Image.new("1", (7100, 7100)).save(path)
    with pytest.raises(InputError, match="has too many pixels") as caught:
        read_file(path, reader=reader, **files)
    assert caught.value.reason == "too_many_pixels"


@pytest.fixture
def bad(word, tmp_path: Path) -> Path:
    """A folder of files that cannot be read, one that can, and one that is no image."""
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes(png(word)[:200])
    (tmp_path / "good.png").write_bytes(png(word))
    (tmp_path / "notes.txt").write_text("hello")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_good_files_are_read_beside_bad_ones_in_their_order(bad, reader, files):
    results = list(read_files([bad, bad / "gone.png"], reader=reader, workers=2, **files))
    assert names_and_texts(results) == [
        ("cut.png", "broken_image"),
        ("empty.png", "empty_file"),
        ("good.png", "HARBOUR"),
        ("pipe", "not_a_file"),
        ("gone.png", "unreadable"),
    ]


def test_a_file_that_is_asked_for_by_name_must_be_an_image(bad, reader, files):
    (refusal,) = read_files([bad / "notes.txt"], reader=reader, workers=1, **files)
    assert isinstance(refusal, InputError)
    assert refusal.reason == "not_an_image"
    assert "notes.txt" in str(refusal)


def test_a_pattern_that_the_shell_left_alone_is_followed(bad, reader, files):
    results = list(read_files([bad / "g*.png"], reader=reader, workers=1, **files))
    assert names_and_texts(results) == [("good.png", "HARBOUR")]
    (bad / "good[1].png").write_bytes((bad / "good.png").read_bytes())
    results = list(read_files([bad / "good[1].png"], reader=reader, workers=1, **files))
    assert names_and_texts(results) == [("good[1].png", "HARBOUR")]
    (refusal,) = read_files([bad / "x*.png"], reader=reader, workers=1, **files)
    assert isinstance(refusal, InputError)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is locked for root")
def test_a_locked_file_is_one_clear_error(bad, reader, files):
    (bad / "good.png").chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read_file(bad / "good.png", reader=reader, **files)


def test_small_print_of_a_page_of_12000_pixels_is_read_to_its_end(written, reader):
    page = Image.new("RGBA", (1200, 12000), "white")
    tops = range(30, 11950, 1000)
    for number, top in enumerate(tops):
        text = f"Paragraph {number} of the price list"
        page.paste(written(text, size_px=(400, 40), at_px=(5, 5), font_px=18), (60, top))
    document = read_image(png(page), "png", image_id="0" * 64, size_px=page.size, reader=reader)
    expected = [f"Paragraph {number} of the price list" for number in range(len(tops))]
    assert document.text.splitlines() == expected
    for word, top in zip(document.words[::6], tops, strict=True):
        assert abs(word.y_px - top) < 30
