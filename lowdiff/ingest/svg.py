"""SVG: looked over, rendered, and read for what it says of itself."""

import io
import re
from xml.parsers import expat

import resvg_py
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.ingest.svg_guard import check_svg
from lowdiff.ingest.xmp import Properties

_TEXT = re.compile(rb"<(?:[\w.-]+:)?text[\s>]")
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']""")
_OWN_TEXTS = {"title": "title", "desc": "description"}
_MAX_TEXT_CHARS = 10_000
_BROKEN = (ValueError, RuntimeError, OSError, LookupError)


def is_svg(body: bytes) -> bool:
    """Whether it looks like SVG markup (and not like an HTML page that shows one)."""
    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    page = head[:16].lower().startswith((b"<!doctype html", b"<html"))
    return head.startswith(b"<") and not page and b"<svg" in body[:65536]


def render_svg(body: bytes, *, item: str, longest_px: int) -> Image.Image:
    """Draw an SVG as RGBA; it keeps its aspect and its longest side is `longest_px`.

    Raises:
        InputError: the markup is broken, or `svg_guard` refuses it.
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
        raise _unrendered(item, str(error)) from error


def svg_texts(body: bytes) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Its own `title` and `desc` (as title and description), and the RDF of its `<metadata>`.

    Raises:
        ValueError: the markup is broken.
    """
    texts: dict[str, str] = {}
    properties = Properties()
    path: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name.rpartition(" ")[2])
        if "metadata" in path[:2]:
            properties.start(name, attributes)

    def end(_name: str) -> None:
        if "metadata" in path[:2]:
            properties.end()
        path.pop()

    def text(said: str) -> None:
        key = _OWN_TEXTS.get(path[-1]) if len(path) == 2 else None
        if key is not None and len(texts.get(key, "")) < _MAX_TEXT_CHARS:
            texts[key] = texts.get(key, "") + said
        elif "metadata" in path[:2]:
            properties.text(said)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(body.removeprefix(b"\xef\xbb\xbf").lstrip(), True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(str(error)) from error
    return texts, properties.values


def _unrendered(item: str, said: str) -> InputError:
    said = said.removeprefix("SVG data parsing failed cause ")
    if "limit" in said:
        return InputError(
            item,
            "is too complex to draw",
            reason="svg_too_complex",
            found=said,
            do="Save it as a PNG.",
        )
    return InputError(item, f"cannot be drawn: {said}", reason="broken_image")


def _as_text(body: bytes) -> str:
    declared = _ENCODING.match(body[:200])
    return body.decode("utf-8-sig" if declared is None else _python_codec(declared[1]))


def _python_codec(name: bytes) -> str:
    return "utf-8-sig" if name.lower() == b"utf-8" else name.decode("ascii")
