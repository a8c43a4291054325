import contextlib
import io
import json
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, _imaging, _webp

from lowdiff.errors import InputError
from lowdiff.ingest import webp
from lowdiff.ingest.decode import decode, flatten, pixel_hash, sniff_format
from lowdiff.ingest.describe import describe_image
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.pixels import Upright, look
from tests.ingest.conftest import png, svg

RED = (255, 0, 0, 255)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_an_svg_keeps_its_aspect_and_its_longest_side_is_as_asked():
    assert decode(svg(), "svg", item="x", longest_px=64).size == (64, 32)
    tall = svg().replace(b"0 0 20 10", b"0 0 10 20")
    assert decode(tall, "svg", item="x", longest_px=64).size == (32, 64)
    assert decode(svg(), "svg", item="x").size == (512, 256)


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-8", "utf-8-sig"])
def test_an_svg_is_read_in_its_declared_encoding(encoding):
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>' + svg().decode().replace(
        "<rect", "<title>Bär</title><rect"
    )
    body = text.encode(encoding)
    assert sniff_format(body, item="x") == "svg"
    assert decode(body, "svg", item="x", longest_px=8).getpixel((2, 2)) == RED


@pytest.mark.parametrize(
    "href", ["secret.png", "{folder}/secret.png", "file:///x.png", "http://a/b"]
)
def test_an_svg_never_shows_another_file_of_this_machine(tmp_path, monkeypatch, href):
    (tmp_path / "secret.png").write_bytes(png((255, 0, 0)))
    monkeypatch.chdir(tmp_path)
    body = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="9" height="9"><image xlink:href="{href.format(folder=tmp_path)}" width="9" '
        'height="9"/></svg>'
    )
    with pytest.raises(InputError) as refusal:
        decode(body.encode(), "svg", item="x")
    assert refusal.value.reason == "external_reference"


def test_an_svg_that_nests_too_deep_is_refused_before_the_renderer_sees_it():
    deep = b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<g>" * 500 + b"</g>" * 500 + b"</svg>"
    with pytest.raises(InputError, match="too deep"):
        decode(deep, "svg", item="x")


def test_a_bomb_inside_an_svg_is_refused_by_its_header():
    import base64

    bomb = base64.b64encode(png_header_only(30_000, 30_000)).decode()
    body = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        f'<image href="data:image/png;base64,{bomb}" width="9" height="9"/></svg>'
    )
    with pytest.raises(InputError) as refusal:
        decode(body.encode(), "svg", item="x")
    assert refusal.value.reason == "too_many_pixels"


@pytest.mark.parametrize("body", [b"<svg", b"<svg><rect></svg>", b"<svg>&nope;</svg>"])
def test_a_broken_svg_is_refused(body):
    assert sniff_format(body, item="x") == "svg"
    with pytest.raises(InputError):
        decode(body, "svg", item="x")


def test_an_html_page_is_no_svg_even_when_it_shows_one():
    with pytest.raises(InputError, match="an HTML page"):
        sniff_format(b"<!DOCTYPE html><html><svg></svg></html>", item="x")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(orientation):
    upright = Image.new("RGB", (6, 4), (0, 0, 0))
    upright.putpixel((0, 0), (255, 255, 255))
    stored_by = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    turn = stored_by.get(orientation)
    stored = upright.transpose(turn) if turn is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = decode(saved(stored, "PNG", exif=exif), "png", item="x")
    assert shown.convert("RGB").tobytes() == upright.tobytes()


def test_palette_with_transparency_keeps_its_holes():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    shown = decode(saved(image, "PNG", transparency=1), "png", item="x")
    assert shown.getpixel((0, 0)) == RED
    assert shown.getpixel((1, 0))[3] == 0
    assert flatten(shown).getpixel((1, 0)) == (255, 255, 255)


def test_sixteen_bits_become_eight_of_the_same_grey():
    image = Image.new("I;16", (2, 1))
    image.putpixel((0, 0), 65535)
    image.putpixel((1, 0), 32768)
    shown = decode(saved(image, "PNG"), "png", item="x")
    assert [shown.getpixel((x, 0))[0] for x in (0, 1)] == [255, 128]


def test_cmyk_becomes_rgb():
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red, green, blue, alpha = decode(saved(image, "JPEG"), "jpeg", item="x").getpixel((4, 4))
    assert (red > 230, green < 40, blue < 40, alpha) == (True, True, True, 255)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_an_animation_the_first_picture_counts(kind):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    body = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    shown = decode(body, sniff_format(body, item="x"), item="x")
    assert shown.getpixel((1, 1)) == RED


@pytest.mark.parametrize(
    "kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "ICO", "PPM"]
)
def test_the_format_is_told_from_the_content(kind):
    body = saved(Image.new("RGB", (16, 16), "teal"), kind)
    assert sniff_format(body, item="x") == kind.lower()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF"])
def test_a_truncated_file_is_refused(kind):
    noise = Image.effect_noise((64, 64), 80).convert("RGB")
    body = saved(noise, kind)
    with pytest.raises(InputError) as refusal:
        describe_image(body[: len(body) // 2], item="x", limits=Limits())
    assert refusal.value.reason in ("broken_image", "not_an_image")


def png_header_only(width_px: int, height_px: int) -> bytes:
    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    ihdr = struct.pack(">I", len(head)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    body = b"IDAT" + zlib.compress(b"")
    idat = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + ihdr + idat


@pytest.mark.parametrize("size", [(30_000, 1), (9_000, 6_000), (60_000, 60_000)])
def test_an_image_beyond_the_limits_is_refused_by_its_header(size):
    with pytest.raises(InputError) as refusal:
        describe_image(png_header_only(*size), item="big.png", limits=Limits())
    assert refusal.value.reason == "too_many_pixels"
    assert "big.png" in str(refusal.value)


@given(st.binary(max_size=300))
def test_random_bytes_are_decoded_or_refused(body):
    look_at(body)


@settings(max_examples=150, deadline=None)
@given(st.data())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_mutated_image_is_decoded_or_refused(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "ICO", "SVG"]))
    image = Image.linear_gradient("L").resize((24, 24)).convert("RGB")
    body = bytearray(svg() if kind == "SVG" else saved(image, kind))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] = data.draw(st.integers(0, 255))
    look_at(bytes(body[: data.draw(st.integers(1, len(body)))]))


def look_at(body: bytes) -> None:
    with contextlib.suppress(InputError):
        facts = describe_image(body, item="x", limits=Limits(max_megapixels=1)).facts
        assert min(facts.width_px, facts.height_px) >= 1


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_ugly_files_are_read_or_refused_as_people_judged_them(test_data: Path):
    lines = (test_data / "ugly" / "manifest.jsonl").read_text().splitlines()
    wrong = []
    for row in map(json.loads, lines):
        try:
            describe_image(
                (test_data / row["file"]).read_bytes(), item=row["file"], limits=Limits()
            )
            verdict = "ok"
        except InputError:
            verdict = "reject"
        if row["expected"] != "ok_or_unsupported" and verdict != {"first_frame_ok": "ok"}.get(
            row["expected"], row["expected"]
        ):
            wrong.append((row["file"], verdict))
    assert wrong == []


def test_the_colour_of_invisible_pixels_does_not_count():
    one = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    other = Image.new("RGBA", (2, 1), (0, 0, 255, 0))
    assert pixel_hash(one) == pixel_hash(other)
    other.putpixel((0, 0), (0, 0, 255, 1))
    assert pixel_hash(one) != pixel_hash(other)
    assert look(Upright(one)).has_alpha


@given(st.integers(1, 40), st.integers(1, 40))
def test_pixel_hash_tells_shapes_apart(width, height):
    flat = Image.new("RGBA", (width, height), RED)
    turned = Image.new("RGBA", (height, width), RED)
    assert (pixel_hash(flat) == pixel_hash(turned)) == (width == height)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_still_webp_is_the_same_where_pillow_has_to_decode_it(monkeypatch, mode, lossless):
    image = Image.linear_gradient("L").resize((50, 31)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.radial_gradient("L").resize((50, 31)))
    exif = Image.Exif()
    exif[0x0112] = 6
    body = saved(image, "WEBP", lossless=lossless, exif=exif)
    ours = describe_image(body, item="x", limits=Limits(), preview_px=20)
    monkeypatch.setattr(_webp, "__file__", _imaging.__file__)  # a library without that function
    assert webp.open_still(body, image.size) is None
    assert describe_image(body, item="x", limits=Limits(), preview_px=20) == ours
    assert (ours.facts.width_px, ours.facts.height_px) == (31, 50)
