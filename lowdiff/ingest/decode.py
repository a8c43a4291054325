"""From the bytes of any accepted format to upright sRGB pixels."""

import io
import re
import struct
from collections.abc import Callable
from typing import TypeVar

from PIL import (
    AvifImagePlugin,
    IcoImagePlugin,
    Image,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from lowdiff.errors import InputError
from lowdiff.ingest import webp
from lowdiff.ingest.jpeg import read_rows
from lowdiff.ingest.kinds import damaged_kind, other_kind
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.memory import check_memory, check_still_webp, too_much_memory
from lowdiff.ingest.pixels import Upright, flatten, pixel_hash
from lowdiff.ingest.png import without_texts
from lowdiff.ingest.svg import is_svg, render_svg

__all__ = ["decode", "flatten", "pixel_hash", "read_image", "refusing", "sniff_format"]

T = TypeVar("T")

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
JPEG_START = b"\xff\xd8\xff"
SVG_DEFAULT_PX = 512
"""Longest side at which an SVG is looked at when the caller wants no other size."""

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # threads map memory, which is limited
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
    struct.error,
)
"""All that Pillow's readers raise on broken files."""
_MAY_BE_A_TEXT = ("broken_image", "too_much_memory")
"""Of a PNG: a text of its own that is broken or huge must not cost the picture."""
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def sniff_format(body: bytes, *, item: str) -> str:
    """Tell the format from the content, never from a name.

    Returns:
        `svg` or a value of `RASTER_FORMATS`.

    Raises:
        InputError: it is none of them.
    """
    if is_svg(body):
        return "svg"
    with _open(body, item=item) as image:
        return RASTER_FORMATS[image.format or ""]


def read_image(body: bytes, *, item: str, limits: Limits) -> tuple[str, Image.Image, Upright]:
    """The format, the picture as it is stored, and its pixels: first frame, upright, sRGB.

    Size and memory are checked from the header, before anything is decoded.

    Raises:
        InputError: it is no image, is broken, or is beyond the limits.
    """
    if is_svg(body):
        image = render_svg(body, item=item, longest_px=SVG_DEFAULT_PX)
        return "svg", image, Upright(image)
    if body.startswith(JPEG_START):
        image = _open_checked(body, item=item, limits=limits)
        upright = refusing(lambda: Upright(image), item=item)
        upright.rows = read_rows(image, upright, body)
        if upright.rows is not None:
            return "jpeg", image, upright
    image = _load(body, item=item, limits=limits)
    return (
        RASTER_FORMATS[image.format or "WEBP"],
        image,
        refusing(lambda: Upright(image), item=item),
    )


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
    stored = _load(body, item=item, limits=limits, longest_px=longest_px)
    image = refusing(lambda: Upright(stored).whole().convert("RGBA"), item=item)
    if longest_px is not None and max(image.size) > longest_px:
        image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    return image


def refusing(action: Callable[[], T], *, item: str) -> T:
    """The result of something that touches foreign data.

    Raises:
        InputError: it failed, as code that reads broken files does in many ways.
    """
    try:
        return action()
    except MemoryError as error:
        raise too_much_memory(item) from error
    except _BOMBS as error:
        raise _too_many_pixels(item, error) from error
    except _UNREADABLE as error:
        raise InputError(
            item,
            f"cannot be decoded: {_why(error)}",
            reason="broken_image",
            do="Save it anew from a program that still opens it.",
        ) from error


def _load(
    body: bytes, *, item: str, limits: Limits | None, longest_px: int | None = None
) -> Image.Image:
    try:
        return _load_once(body, item=item, limits=limits, longest_px=longest_px)
    except InputError as refusal:
        plain = without_texts(body) if refusal.reason in _MAY_BE_A_TEXT else None
        if plain is None:
            raise
    return _load_once(plain, item=item, limits=limits, longest_px=longest_px)


def _load_once(
    body: bytes, *, item: str, limits: Limits | None, longest_px: int | None
) -> Image.Image:
    size = webp.webp_size(body)
    if size is not None and not webp.is_animated(body):
        if limits is not None:
            limits.check_size(*size, item=item)
            check_still_webp(body, size, item=item, allowed_mb=limits.memory_mb)
        still = refusing(lambda: webp.open_still(body, size), item=item)
        if still is not None:
            return still
    opened = _open_checked(body, item=item, limits=limits)
    if longest_px is not None:
        opened.draft("RGB", (longest_px, longest_px))
    refusing(opened.load, item=item)
    if limits is not None:  # an icon says one size and may hold another
        limits.check_size(*opened.size, item=item)
    return opened


def _open_checked(body: bytes, *, item: str, limits: Limits | None) -> Image.Image:
    opened = _open(body, item=item)
    if limits is not None:
        limits.check_size(*opened.size, item=item)
        check_memory(opened, len(body), item=item, allowed_mb=limits.memory_mb)
    return opened


def _open(body: bytes, *, item: str) -> Image.Image:
    """Read the header with the readers of the accepted formats and no other."""
    try:
        return Image.open(io.BytesIO(body), formats=_READERS)
    except MemoryError as error:
        raise too_much_memory(item) from error
    except _BOMBS as error:
        raise _too_many_pixels(item, error) from error
    except _UNREADABLE as error:
        raise _unopened(body, item) from error


def _unopened(body: bytes, item: str) -> InputError:
    damaged = damaged_kind(body)
    if damaged is not None:
        return InputError(
            item, f"begins like a {damaged}, but its header is damaged", reason="broken_image"
        )
    return InputError(
        item,
        "is no image that we can read",
        reason="not_an_image",
        found=other_kind(body),
        allowed=ALLOWED,
    )


def _too_many_pixels(item: str, error: Exception) -> InputError:
    numbers = re.findall(r"\d+", str(error))
    found = f"{int(numbers[0]) / 1e6:.0f} megapixels" if numbers else None
    allowed = f"{Limits.max_megapixels:g} megapixels"
    return InputError(
        item, "has too many pixels", reason="too_many_pixels", found=found, allowed=allowed
    )


def _why(error: BaseException) -> str:
    """A reader's exception in words: most of them tell a programmer something, a person nothing."""
    said = str(error)
    if "truncated" in said or isinstance(error, EOFError):
        return "the file ends too early"
    if type(error) in (OSError, SyntaxError, ValueError) and re.search("[a-z] [a-z]", said):
        return "its data are damaged" if said.startswith("decoder error") else said
    return "its data are damaged"
