"""The chunks of a PNG: the texts among them, and the file without them."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT_BYTES = 1 << 20
"""Of one unpacked chunk; Pillow refuses a whole image beyond that."""
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_SIDE_CHUNKS = (*_TEXTS, b"eXIf", b"tIME")


def png_chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of the data and length of each chunk; ends where the file is cut."""
    if not body.startswith(SIGNATURE):
        return
    place = len(SIGNATURE)
    while place + 12 <= len(body):
        length, name = struct.unpack_from(">I4s", body, place)
        if place + 12 + length > len(body):
            return
        yield name, place + 8, length
        place += 12 + length


def without_texts(body: bytes) -> bytes | None:
    """The PNG with its pixels but without the texts, which may be what makes it unreadable.

    Returns:
        None when there is nothing to leave out.
    """
    kept: list[bytes | memoryview] = [SIGNATURE]
    dropped = False
    for name, start, length in png_chunks(body):
        if name in _SIDE_CHUNKS or (name == b"iCCP" and _is_bomb(body, start, length)):
            dropped = True
        else:
            kept.append(memoryview(body)[start - 8 : start + length + 4])
    return b"".join(kept) if dropped else None


def png_texts(body: bytes, *, most: int = 64) -> Iterator[tuple[str, str]]:
    """Keyword and text of each text chunk that can be read, the first `most` of them."""
    for name, start, length in png_chunks(body):
        if name in _TEXTS and length <= MAX_TEXT_BYTES:
            most -= 1
            if most < 0:
                return
            found = _text(name, body[start : start + length])
            if found is not None:
                yield found


def inflate(data: bytes) -> bytes | None:
    """Unpacked zlib data; None when they are broken or a bomb."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, MAX_TEXT_BYTES)
    except zlib.error:
        return None
    return plain if unpacker.eof else None


def _is_bomb(body: bytes, start: int, length: int) -> bool:
    _name, _end, packed = body[start : start + length].partition(b"\0")
    return packed[:1] == b"\0" and inflate(packed[1:]) is None


def _text(kind: bytes, data: bytes) -> tuple[str, str] | None:
    keyword, _end, rest = data.partition(b"\0")
    encoding = "latin-1"
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:]
        _language, _end, rest = rest.partition(b"\0")
        _translated, _end, rest = rest.partition(b"\0")
        encoding = "utf-8"
    else:
        packed = kind == b"zTXt"
        rest = rest[1:] if packed else rest
    plain = inflate(rest) if packed else rest
    if plain is None:
        return None
    return keyword.decode("latin-1"), plain.decode(encoding, errors="replace")
