"""Still WebP images without the canvases of an animation.

Pillow decodes each WebP as an animation: four copies of the picture. The library that it brings
along can decode a still into one buffer; where that library cannot be reached, Pillow does it.
"""

import contextlib
import ctypes
import struct
from collections.abc import Callable, Iterator

from PIL import Image

_ANIMATED = 0x02  # flag of the VP8X chunk
_INFO_KEYS = {b"ICCP": "icc_profile", b"EXIF": "exif", b"XMP ": "xmp"}

Decode = Callable[[bytes, int, ctypes.Array[ctypes.c_char], int, int], int | None]


def webp_chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and length of each chunk; ends where the file is cut or broken."""
    place = 12
    while place + 8 <= len(body):
        name, length = struct.unpack_from("<4sI", body, place)
        if place + 8 + length > len(body):
            return
        yield name, place + 8, length
        place += 8 + length + (length & 1)


def open_still(body: bytes, size: tuple[int, int]) -> Image.Image | None:
    """The picture of a WebP as RGBA; None for an animation or where Pillow must do it.

    Args:
        size: width and height in pixels, as the header says.

    Raises:
        OSError: it cannot be decoded.
    """
    decode = _decoder()
    if decode is None or is_animated(body):
        return None
    width, height = size
    pixels = bytearray(width * height * 4)
    out = (ctypes.c_char * len(pixels)).from_buffer(pixels)
    if decode(body, len(body), out, len(pixels), width * 4) is None:
        raise OSError("its WebP data are broken")
    image = Image.frombuffer("RGBA", size, pixels, "raw", "RGBA", 0, 1)
    for name, start, length in webp_chunks(body):
        if name in _INFO_KEYS:
            image.info.setdefault(_INFO_KEYS[name], body[start : start + length])
    return image


def is_animated(body: bytes) -> bool:
    """True for an animation, as its header says."""
    return body[12:16] == b"VP8X" and len(body) > 20 and bool(body[20] & _ANIMATED)


def webp_size(body: bytes) -> tuple[int, int] | None:
    """Width and height as the header says; None when it says nothing that makes sense."""
    kind = body[12:16]
    if len(body) < 30 or body[:4] != b"RIFF" or body[8:12] != b"WEBP":
        return None
    if kind == b"VP8X":
        return (
            int.from_bytes(body[24:27], "little") + 1,
            int.from_bytes(body[27:30], "little") + 1,
        )
    if kind == b"VP8L" and body[20] == 0x2F:
        bits = int.from_bytes(body[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _decoder() -> Decode | None:
    with contextlib.suppress(ImportError, OSError, AttributeError):
        from PIL import _webp

        decode = ctypes.CDLL(_webp.__file__).WebPDecodeRGBAInto
        decode.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_int,
        ]
        decode.restype = ctypes.c_void_p
        found: Decode = decode
        return found
    return None
