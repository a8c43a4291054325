"""From the bytes of any accepted format to oriented RGBA pixels."""

import hashlib
import io
import struct

import resvg_py
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from lowdiff.errors import InputError

RASTER_FORMATS = {
    "PNG": "png",
    "JPEG": "jpeg",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tiff",
}
SVG_DEFAULT_PX = 512
"""Longest side at which an SVG is looked at when the caller wants no other size."""


def sniff_format(body: bytes, *, item: str) -> str:
    """Tell the format from the content, never from a name.

    Returns:
        `svg`, `png`, `jpeg`, `webp`, `gif`, `bmp` or `tiff`.

    Raises:
        InputError: it is none of them.
    """
    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<") and b"<svg" in body[:65536]:
        return "svg"
    try:
        with Image.open(io.BytesIO(body)) as image:
            name = RASTER_FORMATS.get(image.format or "")
            found = image.format
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, struct.error):
        name, found = None, repr(body[:16])
    if name is None:
        raise InputError(
            item,
            "is no image that we can read",
            reason="not_an_image",
            found=found,
            allowed="svg, " + ", ".join(RASTER_FORMATS.values()),
        )
    return name


def decode(
    body: bytes, image_format: str, *, item: str, longest_px: int | None = None
) -> Image.Image:
    """Decode to RGBA: first frame, EXIF orientation applied, colours in sRGB.

    Args:
        image_format: what `sniff_format` said.
        item: id, path or URL for messages.
        longest_px: fit the longest side to this many pixels. An SVG is rendered at that size; a
            raster image is only ever made smaller.

    Raises:
        InputError: the content is broken.
    """
    if image_format == "svg":
        return _render_svg(body, item=item, longest_px=longest_px or SVG_DEFAULT_PX)
    try:
        with Image.open(io.BytesIO(body)) as opened:
            opened.seek(0)
            if longest_px is not None:
                opened.draft("RGB", (longest_px, longest_px))
            image = _to_srgb(ImageOps.exif_transpose(opened))
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError) as error:
        raise InputError(item, f"cannot be decoded ({error})", reason="broken_image") from error
    if longest_px is not None and max(image.size) > longest_px:
        image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    return image


def flatten(image: Image.Image, ground: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """RGB pixels of an RGBA image over a plain ground."""
    backdrop = Image.new("RGBA", image.size, (*ground, 255))
    return Image.alpha_composite(backdrop, image).convert("RGB")


def pixel_hash(image: Image.Image) -> str:
    """SHA-256 of size and RGBA pixels: equal for files that show exactly the same picture."""
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _render_svg(body: bytes, *, item: str, longest_px: int) -> Image.Image:
    try:
        rendered = resvg_py.svg_to_bytes(
            svg_string=body.decode("utf-8-sig"), width=longest_px, height=longest_px
        )
    except (ValueError, UnicodeDecodeError, RuntimeError) as error:
        raise InputError(item, f"cannot be rendered ({error})", reason="broken_image") from error
    with Image.open(io.BytesIO(bytes(rendered))) as image:
        return image.convert("RGBA")


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = "RGBA" if image.mode == "RGBA" else "RGB"
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode=mode
            )
            image = converted or image
        except ImageCms.PyCMSError:
            pass  # a broken profile: the plain numbers are the best guess
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGBA")
