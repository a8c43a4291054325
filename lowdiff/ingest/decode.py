"""From the bytes of any accepted format to oriented RGBA pixels."""

import hashlib
import io
import struct

from PIL import (
    AvifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from lowdiff.errors import InputError
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.svg import render_svg

RASTER_FORMATS = {
    "PNG": "png",
    "JPEG": "jpeg",
    "MPO": "jpeg",  # a JPEG with more pictures behind it
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tiff",
    "AVIF": "avif",
    "ICO": "ico",
    "PPM": "ppm",
}
ALLOWED = ", ".join(["svg", *dict.fromkeys(RASTER_FORMATS.values())])
SVG_DEFAULT_PX = 512
"""Longest side at which an SVG is looked at when the caller wants no other size."""

Image.preinit()  # BMP, GIF, JPEG, PNG, PPM; the others register when they are imported
_ALSO = (AvifImagePlugin, IcoImagePlugin, TiffImagePlugin, WebPImagePlugin)
_READERS = tuple(name for name in RASTER_FORMATS if name in Image.OPEN)
"""Only these get to see a foreign file; MPO comes through JPEG."""

_UNREADABLE = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    SyntaxError,
    EOFError,
    MemoryError,
    struct.error,
)
"""All that Pillow's readers raise on broken files."""
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_FAMILIAR = (
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "gzip (an .svgz must be unpacked first)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"version https://git-lfs", "a Git LFS pointer"),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
)


def sniff_format(body: bytes, *, item: str) -> str:
    """Tell the format from the content, never from a name.

    Returns:
        `svg` or a value of `RASTER_FORMATS`.

    Raises:
        InputError: it is none of them.
    """
    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<") and not _familiar(head) and b"<svg" in body[:65536]:
        return "svg"
    with _open(body, item=item) as image:
        return RASTER_FORMATS[image.format or ""]


def decode(
    body: bytes,
    image_format: str,
    *,
    item: str,
    longest_px: int | None = None,
    limits: Limits | None = None,
) -> Image.Image:
    """Decode to RGBA: first frame, EXIF orientation applied, colours in sRGB.

    Args:
        image_format: what `sniff_format` said.
        item: id, path or URL for messages.
        longest_px: fit the longest side to this many pixels. An SVG is rendered at that size; a
            raster image is only ever made smaller.
        limits: refuse an image that its header says is bigger than this.

    Raises:
        InputError: the content is broken or beyond the limits.
    """
    if image_format == "svg":
        return render_svg(body, item=item, longest_px=longest_px or SVG_DEFAULT_PX)
    with _open(body, item=item) as opened:
        if limits is not None:
            limits.check_size(*opened.size, item=item)
        try:
            opened.seek(0)
            if longest_px is not None:
                opened.draft("RGB", (longest_px, longest_px))
            image = _to_srgb(ImageOps.exif_transpose(opened))
        except _BOMBS as error:
            raise _too_many_pixels(item, error) from error
        except _UNREADABLE as error:
            raise InputError(item, f"cannot be decoded ({error})", reason="broken_image") from error
    if longest_px is not None and max(image.size) > longest_px:
        image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    return image


def flatten(image: Image.Image, ground: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """RGB pixels of an RGBA image over a plain ground."""
    backdrop = Image.new("RGBA", image.size, (*ground, 255))
    return Image.alpha_composite(backdrop, image).convert("RGB")


def has_alpha(image: Image.Image) -> bool:
    """True when some pixel of an RGBA image is not opaque."""
    return image.getchannel("A").getextrema() != (255, 255)


def pixel_hash(image: Image.Image) -> str:
    """SHA-256 of size and RGBA pixels: equal for files that show exactly the same picture.

    The colour of a fully transparent pixel shows nowhere and does not count.
    """
    alpha = image.getchannel("A")
    if alpha.getextrema()[0] == 0:
        seen = Image.new("RGBA", image.size, (0, 0, 0, 0))
        seen.paste(image, mask=alpha.point(lambda value: 255 if value else 0))
        image = seen
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    rows = max(1, (1 << 22) // image.width)  # in strips: no second copy of a big image
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        digest.update(strip.tobytes())
    return digest.hexdigest()


def _open(body: bytes, *, item: str) -> Image.Image:
    """Read the header with the readers of the accepted formats and no other."""
    try:
        return Image.open(io.BytesIO(body), formats=_READERS)
    except _BOMBS as error:
        raise _too_many_pixels(item, error) from error
    except _UNREADABLE as error:
        raise InputError(
            item,
            "is no image that we can read",
            reason="not_an_image",
            found=_familiar(body.lstrip()) or f"a file that starts with {body[:16]!r}",
            allowed=ALLOWED,
        ) from error


def _familiar(body: bytes) -> str | None:
    head = body[:64].lower()
    return next((name for magic, name in _FAMILIAR if head.startswith(magic.lower())), None)


def _too_many_pixels(item: str, error: Exception) -> InputError:
    return InputError(item, f"has too many pixels ({error})", reason="too_many_pixels")


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if (profile and image.mode in ("P", "PA", "LA")) or "transparency" in image.info:
        image = image.convert("RGBA")
    if profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        image = _through_profile(image, profile)
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGBA")


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken profile: the plain numbers are the best guess
