"""What decoding an image takes, told from its header, and how a process is kept to it."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from lowdiff.errors import InputError
from lowdiff.ingest.limits import MEMORY_MB

if TYPE_CHECKING:
    from PIL import Image

PROCESS_MB = 50.0
"""A worker that decodes nothing, with the strips that it walks over."""
_LAZY_BYTES = 4 << 20
"""Of what is mapped but not in memory yet (libraries), this much may still be read in."""
_PER_PIXEL_ANIMATED_WEBP = 16
_PER_PIXEL_AVIF = 9
"""Planes, the RGB made of them, and a copy on the way to Pillow."""
_own_limit_mb = MEMORY_MB
_TIFF_TILE, _TIFF_ROWS, _TIFF_BITS, _TIFF_SAMPLES = (322, 323), 278, 258, 277


def check_memory(
    image: "Image.Image", body_bytes: int, *, item: str, allowed_mb: float = MEMORY_MB
) -> None:
    """Refuse, before decoding, what its decoder cannot do in `allowed_mb`.

    The estimate is a lower bound; what it misses ends at the limit of the process.

    Raises:
        InputError: `too_much_memory`.
    """
    needed_mb = PROCESS_MB + (body_bytes + _pixel_bytes(image) + _scratch_bytes(image)) / 1e6
    if needed_mb > allowed_mb:
        found = f"about {needed_mb:.0f} MB for {_what(image)}"
        raise too_much_memory(item, found, allowed_mb=allowed_mb)


def check_still_webp(
    body: bytes, size: tuple[int, int], *, item: str, allowed_mb: float = MEMORY_MB
) -> None:
    """The same for a WebP that is no animation, whose header is all that was read.

    Raises:
        InputError: `too_much_memory`.
    """
    lossless = body[12:16] == b"VP8L" or b"VP8L" in body[:4096]
    needed_mb = PROCESS_MB + (len(body) + size[0] * size[1] * (8 if lossless else 4)) / 1e6
    if needed_mb > allowed_mb:
        found = f"about {needed_mb:.0f} MB for WebP of {size[0]} × {size[1]} px"
        raise too_much_memory(item, found, allowed_mb=allowed_mb)


def too_much_memory(
    item: str, found: str | None = None, *, allowed_mb: float | None = None
) -> InputError:
    """The refusal of an image that decodes only into more than a process may hold.

    Args:
        allowed_mb: default: what `limit_own_memory` was told last.
    """
    allowed_mb = _own_limit_mb if allowed_mb is None else allowed_mb
    return InputError(
        item,
        "needs too much memory to decode",
        reason="too_much_memory",
        found=found or f"more than {allowed_mb:g} MB",
        allowed=f"{allowed_mb:g} MB",
        do="Save it smaller, or as a plain PNG or baseline JPEG.",
    )


def limit_own_memory(allowed_mb: float) -> None:
    """From here on this process cannot grow beyond so many MB: allocations fail instead.

    The limit is on address space, the one that the kernel enforces; what the process has mapped
    already but not touched does not count. It may be called again with another limit.
    """
    global _own_limit_mb
    _own_limit_mb = allowed_mb
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system can
        import resource

        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()
        mapped, resident = (int(number) * resource.getpagesize() for number in pages[:2])
        room = int(allowed_mb * 1e6) - resident - _LAZY_BYTES
        hard = resource.getrlimit(resource.RLIMIT_AS)[
            1
        ]  # stays: the next image may be allowed more
        resource.setrlimit(resource.RLIMIT_AS, (mapped + room, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _pixel_bytes(image: "Image.Image") -> int:
    """What Pillow keeps: one byte for grey or palette, else four (16-bit grey: two)."""
    width, height = image.size
    per_pixel = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}.get(image.mode, 4)
    return width * height * per_pixel


def _scratch_bytes(image: "Image.Image") -> int:
    """What the decoder of a format needs beside."""
    pixels = image.width * image.height
    if image.format in ("JPEG", "MPO") and image.info.get("progressive"):
        return _coefficient_bytes(image)
    if image.format == "WEBP":
        animated = getattr(image, "is_animated", False)
        return (_PER_PIXEL_ANIMATED_WEBP - 4) * pixels if animated else 0
    if image.format == "AVIF":
        return (_PER_PIXEL_AVIF - 4) * pixels
    if image.format == "TIFF":
        return _tiff_part_bytes(image)
    return 0


def _coefficient_bytes(image: "Image.Image") -> int:
    """A progressive JPEG is held as coefficients, two bytes each, until its last scan."""
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", [])
    widest = max((layer[1] for layer in layers), default=1)
    highest = max((layer[2] for layer in layers), default=1)
    share = sum(layer[1] * layer[2] for layer in layers) / max(1, widest * highest)
    return int(image.width * image.height * share * 2)


def _tiff_part_bytes(image: "Image.Image") -> int:
    """One strip or tile of a compressed TIFF."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(259, 1) == 1:  # not compressed: read row by row
        return 0
    width, rows = (tags.get(tag, 0) for tag in _TIFF_TILE)
    if not width or not rows:
        width, rows = image.width, min(tags.get(_TIFF_ROWS, image.height), image.height)
    bits = tags.get(_TIFF_BITS, (8,))
    depth = max(bits) if isinstance(bits, tuple) else bits
    return int(width * rows * tags.get(_TIFF_SAMPLES, 1) * depth / 8)


def _what(image: "Image.Image") -> str:
    kind = str(image.format)
    if image.info.get("progressive"):
        kind = f"progressive {kind}"
    elif image.format != "GIF" and getattr(image, "is_animated", False):
        kind = f"animated {kind}"
    return f"{kind} of {image.width} × {image.height} px"
