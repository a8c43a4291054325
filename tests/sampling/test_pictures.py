from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.sampling.pictures import (
    fitting_size,
    parse_size,
    put_back,
    read_mask,
    read_picture,
    to_hole,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [("64", (64, 64)), ("128x96", (128, 96)), ("128X96", (128, 96)), ("8×9", (8, 9))],
)
def test_a_size_is_a_side_or_width_by_height(text: str, size: tuple[int, int]):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "64x", "1x2x3", "a64", "6.5", "7", "64x5000", "-8"])
def test_what_is_no_size_is_refused(text: str):
    with pytest.raises(InputError, match="size"):
        parse_size(text)


def test_a_transparent_picture_lies_on_white(tmp_path: Path):
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").getpixel((4, 4)) == (255, 255, 255)


def test_a_picture_is_turned_upright(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_picture(tmp_path / "turned.jpg").size == (10, 20)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.png.*cannot be read"):
        read_picture(tmp_path / "broken.png")


def test_a_picture_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"fox\.png: is not there"):
        read_picture(tmp_path / "fox.png")


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path):
    Image.new("L", (10, 12), 255).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"found 10x12, allowed 20x20"):
        read_mask(tmp_path / "mask.png", Image.new("RGB", (20, 20)))


def test_a_mask_that_marks_nothing_is_refused(tmp_path: Path):
    Image.new("L", (20, 20), 40).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match="marks nothing"):
        read_mask(tmp_path / "mask.png", Image.new("RGB", (20, 20)))


@pytest.mark.parametrize(
    ("size", "fitted"), [((64, 64), (64, 64)), ((800, 400), (92, 44)), ((4, 900), (4, 960))]
)
def test_a_fitting_size_has_the_shape_and_the_area(size, fitted):
    assert fitting_size(Image.new("RGB", size), image_px=64, multiple=4) == fitted


def test_a_cell_is_painted_when_any_of_its_pixels_is():
    mask = Image.new("L", (10, 6), 0)
    mask.putpixel((4, 3), 255)
    expected = torch.zeros(1, 1, 2, 3)
    expected[0, 0, 0, 1] = 1
    assert torch.equal(to_hole(mask, (10, 6), factor=4), expected)


def test_a_dot_is_not_lost_when_the_model_works_smaller():
    mask = Image.new("L", (400, 400), 0)
    mask.putpixel((399, 0), 255)
    hole = to_hole(mask, (32, 32), factor=4)
    assert hole.sum() == 1
    assert hole[0, 0, 0, 7] == 1


def test_painted_pixels_are_put_back_inside_the_mask_only():
    original = Image.fromarray(
        np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    )
    mask = Image.new("L", (30, 20), 0)
    mask.paste(255, (3, 4, 11, 9))
    found = np.asarray(put_back(Image.new("RGB", (12, 8), (9, 8, 7)), original, mask))
    inside = np.asarray(mask) > 0
    assert (found[inside] == (9, 8, 7)).all()
    assert (found[~inside] == np.asarray(original)[~inside]).all()
