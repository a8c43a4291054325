"""What an image says of itself: title, author, rights, and whether it may be mined.

Read from XMP, IPTC-IIM, EXIF, PNG texts and SVG markup, the first that says something wins. It is
a hint from a stranger: values are cleaned and capped, and broken metadata never cost the image.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from PIL import Image, ImageFile, IptcImagePlugin, JpegImagePlugin

from lowdiff.ingest.png import png_chunks, png_texts
from lowdiff.ingest.svg import svg_texts
from lowdiff.ingest.webp import webp_chunks
from lowdiff.ingest.xmp import read_xmp

MAX_VALUE_CHARS = 2_000
_GIF_XMP = b"XMP DataXMP"
_C2PA_LOOK_BYTES = 1 << 20
_BROKEN = (
    MemoryError, ValueError, TypeError, KeyError, IndexError, OSError, AttributeError, SyntaxError,
    OverflowError, ZeroDivisionError, LookupError, EOFError, RecursionError,
)  # fmt: skip

_XMP_KEYS = {
    "title": ("dc:title", "photoshop:Headline"),
    "author": ("dc:creator", "cc:attributionName"),
    "description": ("dc:description",),
    "copyright": ("dc:rights", "photoshop:Copyright"),
    "licence_url": ("cc:license", "xmpRights:WebStatement"),
    "licensor_url": ("plus:LicensorURL",),
    "usage_terms": ("xmpRights:UsageTerms",),
    "credit": ("photoshop:Credit",),
    "keywords": ("dc:subject",),
    "data_mining": ("plus:DataMining",),
    "data_mining_constraints": ("plus:OtherConstraints",),
    "digital_source_type": ("Iptc4xmpExt:DigitalSourceType",),
    "tdm_reservation": ("tdm:reserve", "tdm:reservation"),
    "tdm_policy": ("tdm:policy",),
    "software": ("xmp:CreatorTool",),
}
_EXIF_KEYS = {
    "title": (0x9C9B,),  # XPTitle
    "author": (0x013B, 0x9C9D),  # Artist, XPAuthor
    "description": (0x010E, 0x9C9C),  # ImageDescription, XPComment
    "copyright": (0x8298,),
    "keywords": (0x9C9E,),
    "software": (0x0131,),
}
_IPTC_KEYS = {
    "title": ((2, 5), (2, 105)),  # object name, headline
    "author": ((2, 80),),  # by-line
    "description": ((2, 120),),  # caption
    "copyright": ((2, 116),),
    "credit": ((2, 110),),
    "keywords": ((2, 25),),
}
_PNG_KEYS = {
    "title": ("title",),
    "author": ("author", "artist", "creator"),
    "description": ("description", "comment"),
    "copyright": ("copyright",),
    "licence_url": ("license", "licence"),
    "source": ("source",),
    "software": ("software",),
}
_FROM_XMP = ("data_mining", "data_mining_constraints", "tdm_reservation", "tdm_policy")
Told = dict[str, list[str]]


def embedded_metadata(image: Image.Image | None, body: bytes, image_format: str) -> dict[str, Any]:
    """Everything useful that the file says of itself; only the keys that it has.

    Args:
        image: the opened file, for what its reader found; None for an SVG.
        image_format: what `sniff_format` said.

    Returns:
        Strings of at most 2,000 characters. `data_mining_source` names where `data_mining` and
        `tdm_reservation` came from; `c2pa` is True where a C2PA manifest seems to be; `broken`
        lists the blocks that could not be read.
    """
    told: dict[str, Any] = {}
    broken: list[str] = []
    for name, read in _readers(image, body, image_format):
        try:
            found = read()
        except _BROKEN:
            broken.append(name)
            continue
        for key, values in found.items():
            text = _clean("; ".join(dict.fromkeys(values)))
            if text and key not in told:
                told[key] = text
                if key in _FROM_XMP:
                    told["data_mining_source"] = name
    if _has_c2pa(image, body):
        told["c2pa"] = True
    if broken:
        told["broken"] = ", ".join(broken)
    return told


def _readers(
    image: Image.Image | None, body: bytes, image_format: str
) -> Iterator[tuple[str, Callable[[], Told]]]:
    if image_format == "svg" or image is None:
        yield "SVG", lambda: _from_svg(body)
        return
    for packet in _xmp_packets(image, body, image_format):
        yield "XMP", lambda packet=packet: _from_xmp(packet)  # type: ignore[misc]
    if image_format in ("jpeg", "tiff"):
        yield "IPTC", lambda: _from_iptc(image)
    yield "EXIF", lambda: _from_exif(image)
    if image_format == "png":
        yield "PNG", lambda: _pick(_PNG_KEYS, _first_texts(body))
    comment = image.info.get("comment")
    if comment and image_format in ("jpeg", "gif"):
        yield "comment", lambda: {"description": [_as_text(comment)]}


def _xmp_packets(image: Image.Image, body: bytes, image_format: str) -> Iterator[bytes]:
    """At most one packet a block; Pillow finds it in most formats, PNG and WebP are ours."""
    if image_format == "png":
        for keyword, text in png_texts(body):
            if keyword == "XML:com.adobe.xmp":
                yield text.encode()
                return
    elif image_format == "webp":
        for name, start, length in webp_chunks(body):
            if name == b"XMP ":
                yield body[start : start + length]
                return
    elif image_format == "gif":
        start = body.find(_GIF_XMP) + len(_GIF_XMP)
        end = body.find(b"<?xpacket end", start)
        if start >= len(_GIF_XMP) and end > start:
            yield body[start:end]
    else:
        packet = image.info.get("xmp")
        if packet:
            yield packet.encode() if isinstance(packet, str) else packet


def _from_xmp(packet: bytes) -> Told:
    return _pick(_XMP_KEYS, read_xmp(packet))


def _from_exif(image: Image.Image) -> Told:
    exif = image.getexif()
    return _pick(_EXIF_KEYS, {tag: [_exif_text(tag, exif[tag])] for tag in _exif_tags() & {*exif}})


def _exif_tags() -> set[int]:
    return {tag for tags in _EXIF_KEYS.values() for tag in tags}


def _exif_text(tag: int, value: object) -> str:
    if tag >= 0x9C9B and isinstance(value, bytes | tuple):  # Windows writes these in UTF-16
        return bytes(value).decode("utf-16-le", errors="replace")
    return _as_text(value)


def _from_iptc(image: Image.Image) -> Told:
    if not isinstance(image, ImageFile.ImageFile):
        return {}
    found = IptcImagePlugin.getiptcinfo(image) or {}
    utf8 = found.get((1, 90)) == b"\x1b%G"
    values: dict[tuple[int, int], list[str]] = {}
    for key, value in found.items():
        parts = value if isinstance(value, list) else [value]
        values[key] = [_as_text(part, strict=utf8) for part in parts[:64]]
    return _pick(_IPTC_KEYS, values)


def _first_texts(body: bytes) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for keyword, text in png_texts(body):
        texts.setdefault(keyword.strip().lower(), [text])
    return texts


def _from_svg(body: bytes) -> Told:
    texts, properties = svg_texts(body)
    found = _pick(_XMP_KEYS, properties)
    for key, value in texts.items():
        found.setdefault(key, [value])
    return found


def _pick(keys: Mapping[str, tuple[Any, ...]], values: Mapping[Any, list[str]]) -> Told:
    """For each of our keys the first of their names that says something."""
    found: Told = {}
    for key, names in keys.items():
        for name in names:
            if any(part.strip(" \0\t\r\n") for part in values.get(name, [])):
                found[key] = values[name]
                break
    return found


def _as_text(value: object, *, strict: bool = False) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("utf-8" if strict else "latin-1", errors="replace")
    return str(value)


def _clean(text: str) -> str:
    """No control or private characters, no runs of white space, at most 2,000 characters."""
    plain = re.sub(r"\s+", " ", text[: 4 * MAX_VALUE_CHARS])
    kept = (one for one in plain if unicodedata.category(one) not in ("Cc", "Cs", "Co", "Cn"))
    return "".join(kept).strip()[:MAX_VALUE_CHARS].strip()


def _has_c2pa(image: Image.Image | None, body: bytes) -> bool:
    """Content Credentials lie in a box of JUMBF labelled c2pa, near the beginning of a file."""
    if isinstance(image, JpegImagePlugin.JpegImageFile):  # its segments have been found already
        return any(b"jumd" in data and b"c2pa" in data for _name, data in image.applist)
    if body.startswith(b"\x89PNG"):
        return any(name == b"caBX" for name, _start, _length in png_chunks(body))
    if body.startswith(b"RIFF"):
        return any(name == b"C2PA" for name, _start, _length in webp_chunks(body))
    head = body[:_C2PA_LOOK_BYTES]
    return b"jumdc2pa" in head or (b"jumd" in head and b"c2pa" in head)
