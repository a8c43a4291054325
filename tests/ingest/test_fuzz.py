"""Random and mutated files through the real worker processes: a verdict each, and no worse."""

import io
import json
import os
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.ingest.decoders import Decoders, open_decoders
from lowdiff.ingest.facts import Described
from lowdiff.ingest.limits import Limits
from tests.ingest.conftest import svg

pytestmark = pytest.mark.integration
LIMITS = Limits(max_megapixels=4.0, timeout_s=5.0)
REASONS = {
    "not_an_image", "broken_image", "too_many_pixels", "too_much_memory", "decode_timeout",
    "empty_file", "too_big", "external_reference", "svg_too_deep", "svg_too_complex",
    "svg_entities", "svg_script", "svg_foreign_object",
}  # fmt: skip
"""Not `decoder_died`: a file that crashes its decoder is worth a look."""
QUICK = settings(
    max_examples=1_500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LONG = settings(QUICK, max_examples=20_000)


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with open_decoders(1) as running:
        yield running


@lru_cache
def seeds() -> tuple[bytes, ...]:
    """Small files of every format and mode, and the ugly ones where they are."""
    picture = Image.linear_gradient("L").resize((24, 24)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Ada"
    xmp = b'<x xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>a</dc:title></x>'
    made = [svg()]
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "AVIF", "PPM"):
        for mode in ("RGB", "L", "P", "RGBA", "1", "I;16", "CMYK"):
            out = io.BytesIO()
            try:
                picture.convert("L" if mode == "I;16" else mode).convert(mode).save(
                    out, kind, exif=exif, xmp=xmp
                )
            except (OSError, ValueError):
                continue  # not every format has every mode
            made.append(out.getvalue())
    two = io.BytesIO()
    picture.save(two, "WEBP", save_all=True, append_images=[Image.new("RGB", (24, 24))])
    made.append(two.getvalue())
    folder = os.environ.get("LOWDIFF_TEST_DATA")
    if folder:
        lines = (Path(folder) / "ugly" / "manifest.jsonl").read_text().splitlines()
        files = [Path(folder) / json.loads(line)["file"] for line in lines]
        made += [path.read_bytes() for path in files if path.stat().st_size < 40_000]
    return tuple(made)


def flipped(data: st.DataObject, body: bytearray) -> bytearray:
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return body


def cut(data: st.DataObject, body: bytearray) -> bytearray:
    return body[: data.draw(st.integers(0, len(body)))]


def spliced(data: st.DataObject, body: bytearray) -> bytearray:
    """A piece of another file in the place of a piece of this one."""
    other = data.draw(st.sampled_from(seeds()))
    start = data.draw(st.integers(0, len(other)))
    piece = other[start : start + data.draw(st.integers(1, 2_000))]
    place = data.draw(st.integers(0, len(body)))
    return body[:place] + piece + body[place + data.draw(st.sampled_from([0, len(piece)])) :]


def repeated(data: st.DataObject, body: bytearray) -> bytearray:
    start = data.draw(st.integers(0, len(body)))
    piece = body[start : start + data.draw(st.integers(1, 500))]
    return body[:start] + piece * data.draw(st.integers(2, 50)) + body[start:]


def resized(data: st.DataObject, body: bytearray) -> bytearray:
    """A number of the header is another one."""
    place = data.draw(st.integers(0, min(200, len(body))))
    number = data.draw(
        st.sampled_from([0, 1, 2, 255, 2_000, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 2**32 - 1])
    )
    form = data.draw(st.sampled_from(["<H", ">H", "<I", ">I"]))
    packed = struct.pack(form, number & (0xFFFF if form[1] == "H" else 2**32 - 1))
    body[place : place + len(packed)] = packed
    return with_right_sums(body)


def with_right_sums(body: bytearray) -> bytearray:
    """A PNG with its checksums mended: else every change ends at the first of them."""
    place = 8
    while body[:4] == b"\x89PNG" and place + 12 <= len(body):
        (length,) = struct.unpack_from(">I", body, place)
        if place + 12 + length > len(body):
            break
        data = bytes(body[place + 4 : place + 8 + length])
        struct.pack_into(">I", body, place + 8 + length, zlib.crc32(data))
        place += 12 + length
    return body


MUTATIONS = (flipped, cut, spliced, repeated, resized)


def verdict(decoders: Decoders, body: bytes) -> Described | InputError:
    try:
        return decoders.describe(body, item="x", limits=LIMITS, preview_px=32)
    except InputError as refusal:
        return refusal


def judge(decoders: Decoders, body: bytes) -> None:
    said = verdict(decoders, body)
    if isinstance(said, InputError):
        assert said.reason in REASONS, said
        assert len(str(said).split()) >= 3
        return
    facts = said.facts
    assert facts.width_px * facts.height_px <= 4e6
    assert all(len(str(value)) <= 2_000 for value in facts.embedded.values())
    assert said.preview is not None
    with Image.open(io.BytesIO(said.preview)) as preview:
        assert max(preview.size) <= 32


def mutate_and_judge(decoders: Decoders, data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(seeds())))
    for _ in range(data.draw(st.integers(1, 3))):
        if body:
            body = data.draw(st.sampled_from(MUTATIONS))(data, body)
    judge(decoders, bytes(body))


@QUICK
@given(body=st.binary(max_size=500), seed=st.integers(0, 30))
def test_random_bytes_get_a_verdict(decoders, body, seed):
    judge(decoders, body)
    judge(decoders, seeds()[seed][:16] + body)


@QUICK
@given(data=st.data())
def test_mutated_images_get_a_verdict(decoders, data):
    mutate_and_judge(decoders, data)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@LONG
@given(data=st.data())
def test_many_mutated_images_get_a_verdict(decoders, data):
    mutate_and_judge(decoders, data)
