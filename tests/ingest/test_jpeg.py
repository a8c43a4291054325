"""The short way of plain JPEGs gives what Pillow gives."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.ingest.decode import read_image
from lowdiff.ingest.describe import describe_image
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.pixels import Upright, look


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    noise = Image.effect_noise((max(1, width // 3), max(1, height // 3)), 90)
    bands = [noise.rotate(90 * turn).resize((width, height)) for turn in range(3)]
    return Image.merge("RGB", bands).convert(mode)


def jpeg(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def pillows(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


def upright_of(body: bytes) -> Upright:
    return read_image(body, item="it", limits=Limits())[2]


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    subsampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0", "4:1:1"]),
    quality=st.integers(1, 100),
    progressive=st.booleans(),
    restarts=st.integers(0, 2),
)
def test_a_plain_jpeg_has_the_pixels_that_pillow_gives(
    size, subsampling, quality, progressive, restarts
):
    body = jpeg(
        picture(*size),
        subsampling=subsampling,
        quality=quality,
        progressive=progressive,
        restart_marker_rows=restarts,
    )
    upright = upright_of(body)
    assert upright.rows is not None
    assert upright.rows.tobytes() == pillows(body).tobytes()


def test_hash_and_preview_are_those_of_pillows_pixels():
    body = jpeg(picture(1300, 701))
    assert look(upright_of(body), preview_px=64) == look(Upright(pillows(body)), preview_px=64)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(picture(30, 20), exif=exif)


@pytest.mark.parametrize(
    "body",
    [turned(), jpeg(picture(30, 20, "L")), jpeg(picture(30, 20, "CMYK"))],
    ids=["turned", "grey", "cmyk"],
)
def test_what_is_not_plain_takes_the_long_way(body):
    upright = upright_of(body)
    assert upright.rows is None
    assert look(upright) == look(Upright(pillows(body)))


def test_damaged_data_get_pillows_verdict():
    body = jpeg(picture(300, 200))
    odd = bytearray(body)
    odd[-40:-38] = b"\xff\xd3"  # a marker where none belongs: Pillow makes the best of it
    assert upright_of(bytes(odd)).rows is None
    assert look(upright_of(bytes(odd))) == look(Upright(pillows(bytes(odd))))
    with pytest.raises(InputError, match="ends too early") as refusal:
        describe_image(body[: len(body) // 2], item="it", limits=Limits())
    assert refusal.value.reason == "broken_image"
