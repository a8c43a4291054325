"""Look an SVG over before it is rendered, because a renderer trusts what it is given.

Refused: scripts, event handlers and `javascript:` links (the original is kept and may be shown in
a browser some day), `<foreignObject>` (HTML, which is not drawn; the one that drawing programs add
for themselves has `requiredExtensions` and is passed over), references to other files (pictures,
`<use>`, styles and fonts; they could be private files of this machine), entities that build on
others or are long, elements that nest too deep, too many embedded pixels, too many or too fine
filters.
Rendered harmlessly: links for a reader to click, animations (their first moment), short entities
(many drawing programs name their namespaces so), a DOCTYPE (nobody fetches it), missing fonts.
What is merely expensive ends at the limits of time and memory of the decoder.
"""

import base64
import binascii
import io
import re
import urllib.parse
from dataclasses import dataclass, field
from xml.parsers import expat

from PIL import Image

from lowdiff.errors import InputError

MAX_DEPTH = 128
"""Nested elements; resvg recurses and ends the process somewhere above 200."""
MAX_EMBEDDED_MEGAPIXELS = 16.0
"""Pixels of all embedded rasters together: a small data URL can hold gigabytes of them."""
MAX_NESTED_SVGS = 2
"""An SVG inside a data URL inside an SVG …"""
MAX_FILTER_STEPS = 1_000
MAX_OCTAVES = 16
"""Of a turbulence: beyond some 8 there is nothing to see."""
MAX_ENTITY_CHARS = 1_000

_DRAWS_A_FILE = frozenset(
    {"image", "feImage", "use", "linearGradient", "radialGradient", "pattern"}
)
_OUTSIDE_URL = re.compile(r"""url\(\s*["']?\s*(?![\s"'#)]|data:)([^)"']{1,100})""", re.IGNORECASE)
_IMPORT = re.compile(r"@import\s+([^;]{1,100})", re.IGNORECASE)


@dataclass
class _Look:
    """What one pass over the markup found."""

    depth: int = 0
    deepest: int = 0
    root: str = ""
    hrefs: list[str] = field(default_factory=list)
    refused: tuple[str, str, str] | None = None
    """The first thing that is not allowed: reason, problem, what was found."""
    filter_steps: int = 0
    in_style: bool = False

    def refuse(self, reason: str, problem: str, found: str) -> None:
        self.refused = self.refused or (reason, problem, found)


def check_svg(body: bytes, *, item: str, nested: int = 0) -> None:
    """Refuse what a renderer must not see.

    Raises:
        InputError: see the top of this module.
    """
    look = _look_over(body, item=item)
    if look.root != "svg":
        raise InputError(
            item,
            "is XML but no SVG",
            reason="not_an_image",
            found=f"the root element <{look.root[:50]}>",
            allowed="<svg>",
        )
    if look.refused is not None:
        reason, problem, found = look.refused
        raise InputError(item, problem, reason=reason, found=found, do=_WHAT_TO_DO)
    if look.deepest > MAX_DEPTH:
        raise InputError(
            item,
            "nests its elements too deep",
            reason="svg_too_deep",
            found=look.deepest,
            allowed=MAX_DEPTH,
        )
    if look.filter_steps > MAX_FILTER_STEPS:
        raise InputError(
            item,
            "has too many filters",
            reason="svg_too_complex",
            found=f"{look.filter_steps} steps",
            allowed=MAX_FILTER_STEPS,
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


_WHAT_TO_DO = "Save it as a plain SVG with everything embedded, or as a PNG."


def _look_over(body: bytes, *, item: str) -> _Look:
    look = _Look()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: _start(look, name, attributes)
    parser.EndElementHandler = lambda _name: _end(look)
    parser.CharacterDataHandler = lambda text: _check_style(look, text) if look.in_style else None
    parser.EntityDeclHandler = lambda *told: _check_entity(look, told)
    parser.ProcessingInstructionHandler = lambda target, data: _check_instruction(
        look, target, data
    )
    try:
        parser.Parse(body.removeprefix(b"\xef\xbb\xbf").lstrip(), True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if "amplification" in str(error):
            raise InputError(
                item, "expands entities into too much text", reason="svg_entities", do=_WHAT_TO_DO
            ) from error
        raise InputError(item, f"is no well-formed XML ({error})", reason="broken_image") from error
    return look


def _start(look: _Look, name: str, attributes: dict[str, str]) -> None:
    local = name.rpartition(":")[2]
    look.root = look.root or local
    look.depth += 1
    look.deepest = max(look.deepest, look.depth)
    look.in_style = local == "style"
    look.filter_steps += local.startswith("fe") and local[2:3].isupper()
    if local == "script":
        look.refuse("svg_script", "contains a script", "<script>")
    if local == "foreignObject" and "requiredExtensions" not in attributes:
        look.refuse("svg_foreign_object", "contains HTML, which is not drawn", "<foreignObject>")
    for key, value in attributes.items():
        _check_attribute(look, local, key.rpartition(":")[2], value.strip())


def _check_attribute(look: _Look, element: str, key: str, value: str) -> None:
    if key.startswith("on") and key[2:].isalpha() and value:
        look.refuse("svg_script", "contains a script", f"the event handler {key[:40]}")
    if key == "numOctaves" and value.isdigit() and int(value[:9]) > MAX_OCTAVES:
        look.refuse("svg_too_complex", "has too fine a filter", f"{value[:9]} octaves")
    if key == "href":
        if value.lower().startswith("javascript:"):
            look.refuse("svg_script", "contains a script", "a javascript: link")
        elif element in _DRAWS_A_FILE:
            look.hrefs.append(value)
    elif "url(" in value or "@import" in value:
        _check_style(look, value)


def _end(look: _Look) -> None:
    look.depth -= 1
    look.in_style = False


def _check_style(look: _Look, text: str) -> None:
    outside = _OUTSIDE_URL.search(text) or _IMPORT.search(text)
    if outside is not None:
        look.refuse("external_reference", "takes its looks from another file", repr(outside[1]))


def _check_instruction(look: _Look, target: str, data: str) -> None:
    if target == "xml-stylesheet":
        look.refuse("external_reference", "takes its looks from another file", repr(data[:100]))


def _check_entity(look: _Look, told: tuple[object, ...]) -> None:
    name, _parameter, value, _base, system = told[:5]
    if not isinstance(value, str):
        if system is not None:
            look.refuse("external_reference", "includes another file", repr(system)[:100])
    elif "&" in value or "%" in value or len(value) > MAX_ENTITY_CHARS:
        look.refuse("svg_entities", "builds text from entities", f"the entity {str(name)[:40]}")


def _check_href(href: str, *, item: str, nested: int) -> float:
    """Megapixels of an embedded raster; a reference inside the document costs nothing."""
    if not href or href.startswith("#"):
        return 0.0
    if not href.lower().startswith("data:"):
        raise InputError(
            item,
            "draws something from another file",
            reason="external_reference",
            found=repr(href[:100]),
            allowed="what is embedded",
            do=_WHAT_TO_DO,
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
