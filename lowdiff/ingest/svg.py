"""SVG: looked over before it is rendered, because a renderer trusts what it is given."""

import base64
import binascii
import io
import re
import urllib.parse
from dataclasses import dataclass, field
from xml.parsers import expat

import resvg_py
from PIL import Image

from lowdiff.errors import InputError

MAX_DEPTH = 128
"""Nested elements; resvg recurses and ends the process somewhere above 200."""
MAX_EMBEDDED_MEGAPIXELS = 50.0
"""Pixels of all embedded rasters together: a small data URL can hold gigabytes of them."""
MAX_NESTED_SVGS = 2
"""An SVG inside a data URL inside an SVG …"""

_DRAWS_A_FILE = frozenset({"image", "feImage"})
_TEXT = re.compile(rb"<(?:[\w.-]+:)?text[\s>]")
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']""")
_BROKEN = (ValueError, RuntimeError, OSError, LookupError)


@dataclass
class _Look:
    """What one pass over the markup found."""

    depth: int = 0
    deepest: int = 0
    root: str = ""
    hrefs: list[str] = field(default_factory=list)


def is_svg(body: bytes) -> bool:
    """Whether it looks like SVG markup (and not like an HTML page that shows one)."""
    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    page = head[:16].lower().startswith((b"<!doctype html", b"<html"))
    return head.startswith(b"<") and not page and b"<svg" in body[:65536]


def render_svg(body: bytes, *, item: str, longest_px: int) -> Image.Image:
    """Draw an SVG as RGBA; it keeps its aspect and its longest side is `longest_px`.

    Raises:
        InputError: the markup is broken, nests too deep, embeds too many pixels or points to
            another file (which could be a private file of this machine).
    """
    check_svg(body, item=item)
    try:
        rendered = resvg_py.svg_to_bytes(
            svg_string=_as_text(body),
            width=longest_px,
            height=longest_px,
            skip_system_fonts=_TEXT.search(body) is None,  # reading fonts takes time
        )
        with Image.open(io.BytesIO(bytes(rendered))) as image:
            return image.convert("RGBA")
    except _BROKEN as error:
        raise InputError(item, f"cannot be rendered ({error})", reason="broken_image") from error


def check_svg(body: bytes, *, item: str, nested: int = 0) -> None:
    """Refuse what a renderer must not see.

    Raises:
        InputError: see `render_svg`.
    """
    look = _look_over(body, item=item)
    if look.root != "svg":
        raise InputError(
            item,
            "is XML but no SVG",
            reason="not_an_image",
            found=f"the root element <{look.root}>",
            allowed="<svg>",
        )
    if look.deepest > MAX_DEPTH:
        raise InputError(
            item,
            "nests its elements too deep",
            reason="svg_too_deep",
            found=look.deepest,
            allowed=MAX_DEPTH,
        )
    megapixels = sum(_check_href(href, item=item, nested=nested) for href in look.hrefs)
    if megapixels > MAX_EMBEDDED_MEGAPIXELS:
        raise InputError(
            item,
            "embeds too many pixels",
            reason="too_many_pixels",
            found=f"{megapixels:.1f} megapixels",
            allowed=f"{MAX_EMBEDDED_MEGAPIXELS:g}",
        )


def _look_over(body: bytes, *, item: str) -> _Look:
    look = _Look()

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        look.root = look.root or local
        look.depth += 1
        look.deepest = max(look.deepest, look.depth)
        if local in _DRAWS_A_FILE:
            look.hrefs += [
                value.strip()
                for key, value in attributes.items()
                if key.rpartition(":")[2] == "href"
            ]

    def end(_name: str) -> None:
        look.depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(body.removeprefix(b"\xef\xbb\xbf").lstrip(), True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise InputError(item, f"is no well-formed XML ({error})", reason="broken_image") from error
    return look


def _check_href(href: str, *, item: str, nested: int) -> float:
    """Megapixels of an embedded raster; a reference inside the document costs nothing."""
    if not href or href.startswith("#"):
        return 0.0
    if not href.lower().startswith("data:"):
        raise InputError(
            item,
            "draws a picture from another file",
            reason="external_reference",
            found=repr(href[:100]),
            allowed="pictures embedded as data: URLs",
            do="Embed the picture into the SVG.",
        )
    body = _data_of(href, item=item)
    if b"<svg" in body[:65536]:
        if nested >= MAX_NESTED_SVGS:
            raise InputError(
                item, "nests SVGs in SVGs", reason="svg_too_deep", allowed=MAX_NESTED_SVGS
            )
        check_svg(body, item=item, nested=nested + 1)
        return 0.0
    try:
        with Image.open(io.BytesIO(body)) as picture:
            return picture.width * picture.height / 1e6
    except Image.DecompressionBombError:
        return float("inf")
    except (OSError, ValueError, SyntaxError):
        return 0.0  # the renderer cannot read it either and leaves it out


def _data_of(href: str, *, item: str) -> bytes:
    head, _comma, data = href.partition(",")
    raw = urllib.parse.unquote_to_bytes(data)
    if not head.lower().endswith(";base64"):
        return raw
    try:
        return base64.b64decode(b"".join(raw.split()), validate=False)
    except binascii.Error as error:
        raise InputError(
            item, f"embeds a broken data: URL ({error})", reason="broken_image"
        ) from error


def _as_text(body: bytes) -> str:
    declared = _ENCODING.match(body[:200])
    return body.decode("utf-8-sig" if declared is None else _python_codec(declared[1]))


def _python_codec(name: bytes) -> str:
    return "utf-8-sig" if name.lower() == b"utf-8" else name.decode("ascii")
