import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lowdiff.ingest.decode import decode, flatten
from lowdiff.ingest.describe import describe_image
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.pixels import STRIP_PX, Upright, look

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture is stored under each orientation."""


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    rng = np.random.default_rng(width * 1000 + height)
    shape = (height, width, len(mode)) if len(mode) > 1 else (height, width)
    return Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8), mode)


def facts_of(body: bytes, **options: object):
    return describe_image(body, item="x", limits=Limits(), **options)


def shown(image: Image.Image, kind: str, **options: object) -> Image.Image:
    body = saved(image, kind, **options)
    return decode(body, kind.lower(), item="x")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(700, STRIP_PX // 300), (3, 7), (1, 5000)])
def test_the_hash_of_a_turned_file_is_that_of_its_upright_picture(orientation, size):
    """The biggest has several strips, which are cut from the stored picture before they turn."""
    upright = noise(*size)
    turn = TURNS.get(orientation)
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = facts_of(saved(stored, "PNG", exif=exif), preview_px=64)
    plain = facts_of(saved(upright, "PNG"), preview_px=64)
    assert found == plain
    assert (found.facts.width_px, found.facts.height_px) == size


def test_an_alpha_channel_that_hides_nothing_does_not_change_the_hash():
    picture = noise(800, 600)
    opaque = picture.copy()
    opaque.putalpha(255)
    files = [saved(picture, "PNG"), saved(opaque, "PNG"), saved(opaque, "WEBP", lossless=True)]
    files += [saved(picture, "TIFF"), saved(picture, "BMP"), saved(picture, "PPM")]
    found = [facts_of(body).facts for body in files]
    assert {one.pixel_hash for one in found} == {found[0].pixel_hash}
    assert not any(one.has_alpha for one in found)


@given(st.integers(0, 799), st.integers(0, 599), st.integers(0, 254))
def test_one_pixel_that_is_not_opaque_changes_the_hash(x, y, alpha):
    image = noise(800, 600)
    image.putalpha(255)
    opaque = look(Upright(image))
    image.putpixel((x, y), (*image.getpixel((x, y))[:3], alpha))
    seen = look(Upright(image))
    assert seen.has_alpha
    assert seen.pixel_hash != opaque.pixel_hash


def test_of_grey_palette_and_colour_the_same_picture_has_the_same_hash():
    grey = noise(90, 60, "L")
    palette = Image.frombytes("P", grey.size, grey.tobytes())
    palette.putpalette([value for value in range(256) for _ in range(3)])
    same = [grey, palette, grey.convert("RGB"), grey.convert("LA"), grey.convert("RGBA")]
    assert len({facts_of(saved(image, "PNG")).facts.pixel_hash for image in same}) == 1


@pytest.mark.parametrize("mode", ["LA", "PA", "P"])
def test_holes_of_grey_and_palette_images_stay_holes(mode):
    image = noise(9, 9, "RGB")
    image.putalpha(255)
    image.putpixel((4, 4), (0, 0, 0, 0))
    stored = image.convert("LA") if mode == "LA" else image.quantize()
    if mode == "PA":
        stored = stored.convert("PA")
    seen = decode(saved(stored, "TIFF" if mode == "PA" else "PNG"), "x", item="x")
    assert seen.getpixel((4, 4))[3] == 0
    assert seen.getpixel((0, 0))[3] == 255
    assert flatten(seen, (1, 2, 3)).getpixel((4, 4)) == (1, 2, 3)


@pytest.mark.parametrize("bits", [12, 16])
def test_greys_of_more_bits_keep_their_brightness(bits):
    if bits == 12:
        row = bytes([0xFF, 0xF8, 0x00])  # two samples: 4095 and 2048
        body = tiff_of(row, bits)
    else:
        body = saved(Image.fromarray(np.array([[65535, 32768]], dtype=np.uint16)), "TIFF")
    seen = decode(body, "tiff", item="x")
    assert [seen.getpixel((x, 0))[0] for x in (0, 1)] == [255, 128]


def tiff_of(row: bytes, bits: int) -> bytes:
    import struct

    tags = [(256, 2), (257, 1), (258, bits), (259, 1), (262, 1), (273, 122), (277, 1), (278, 1)]
    tags.append((279, len(row)))
    entries = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in tags)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)
    assert len(head) == 122
    return head + row


def test_colours_of_sixteen_bits_lose_only_their_lower_half():
    import struct
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        sum_ = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", sum_)

    row = b"\0" + struct.pack(">3H", 0xFF00, 0x8012, 0x0034)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    body += chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    assert decode(body, "png", item="x").getpixel((0, 0)) == (255, 128, 0, 255)


def test_one_bit_is_black_and_white():
    image = Image.new("1", (9, 2))
    image.putpixel((8, 1), 1)
    for kind in ("PNG", "TIFF", "BMP", "PPM"):
        seen = shown(image, kind)
        assert (seen.getpixel((0, 0)), seen.getpixel((8, 1))) == (
            (0, 0, 0, 255),
            (255, 255, 255, 255),
        ), kind


def profile(space: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()


def swapped_profile() -> bytes:
    """sRGB whose red and blue are exchanged: nobody can overlook that it was used."""
    data = bytearray(profile("sRGB"))
    count = int.from_bytes(data[128:132], "big")
    place = {bytes(data[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(count)}
    red, blue = place[b"rXYZ"], place[b"bXYZ"]
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    name = bytes(data).find("sRGB built-in".encode("utf-16-be"))
    data[name : name + 8] = "odd ".encode("utf-16-be")
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_profile_is_used_whatever_the_mode(mode):
    red = Image.new("RGBA", (4, 4), (255, 0, 0, 255))
    stored = red.quantize() if mode == "P" else red.convert(mode)
    seen = shown(stored, "PNG", icc_profile=swapped_profile()).getpixel((1, 1))
    assert seen[2] > 200 > 60 > seen[0]
    assert seen[3] == 255


def test_the_profile_of_screens_changes_nothing():
    image = noise(30, 30)
    assert shown(image, "PNG", icc_profile=profile("sRGB")).convert("RGB").tobytes() == (
        image.tobytes()
    )


@pytest.mark.parametrize("broken", [b"nothing", b"", bytes(500), swapped_profile()[:200]])
def test_a_broken_profile_leaves_the_plain_numbers(broken):
    image = noise(30, 30)
    assert shown(image, "PNG", icc_profile=broken).convert("RGB").tobytes() == image.tobytes()


def test_a_profile_for_another_kind_of_colours_is_left_alone():
    image = noise(30, 30, "L")
    seen = shown(image, "PNG", icc_profile=swapped_profile())
    assert seen.getchannel("R").tobytes() == image.tobytes()


def test_lab_becomes_rgb():
    image = Image.new("LAB", (4, 4), (255, 128, 128))
    red, green, blue, _alpha = shown(image, "TIFF").getpixel((1, 1))
    assert min(red, green, blue) > 245


def test_cmyk_of_tiff_and_of_adobe_jpeg_look_alike():
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for kind in ("JPEG", "TIFF"):
        red, green, blue, _alpha = shown(image, kind).getpixel((8, 8))
        assert (red > 230, green < 40, blue < 40) == (True, True, True), kind


@pytest.mark.parametrize(
    ("size", "small"), [((640, 480), (64, 48)), ((10, 1000), (1, 64)), ((30, 20), (30, 20))]
)
def test_a_preview_is_small_over_white_and_never_enlarged(size, small):
    image = Image.new("RGBA", size, (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, size[0], size[1] // 2))
    found = facts_of(saved(image, "PNG"), preview_px=64)
    assert found.preview is not None
    with Image.open(io.BytesIO(found.preview)) as preview:
        assert (preview.format, preview.mode, preview.size) == ("JPEG", "RGB", small)
        upper = preview.getpixel((0, preview.height // 4))
        lower = preview.getpixel((0, preview.height * 3 // 4))
    assert min(upper) > 230
    assert lower[0] > 230 > 60 > lower[1]


def test_a_preview_looks_like_the_picture_shrunk_at_once():
    picture = noise(60, 45).resize((1280, 960), Image.Resampling.BICUBIC)
    found = facts_of(saved(picture, "PNG"), preview_px=256)
    assert found.preview is not None
    with Image.open(io.BytesIO(found.preview)) as preview:
        made = np.asarray(preview.convert("L")).astype(float)
    small = picture.resize((256, 192), Image.Resampling.LANCZOS)
    wanted = np.asarray(small.convert("L")).astype(float)
    assert np.abs(made - wanted).mean() < 4
