"""What the catalog keeps about an image, from its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lowdiff.ingest.decode import read_image, refusing
from lowdiff.ingest.embedded import embedded_metadata
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.pixels import Upright, look


@dataclass(frozen=True)
class ImageFacts:
    """Measured on the decoded, oriented sRGB pixels (an SVG: on its 512 px rendering)."""

    format: str
    width_px: int
    height_px: int
    has_alpha: bool
    pixel_hash: str
    embedded: Mapping[str, Any] = field(default_factory=dict)
    """What the file says of itself; empty where it says nothing."""


@dataclass(frozen=True)
class Described:
    """What one decode gave."""

    facts: ImageFacts
    preview: bytes | None
    """A small JPEG over white, when one was asked for."""


def describe_image(
    body: bytes, *, item: str, limits: Limits, preview_px: int | None = None
) -> Described:
    """Decode an image once and tell what it is.

    Args:
        preview_px: also make a preview whose longest side is at most this.

    Raises:
        InputError: it is no image, is broken, or is beyond the limits.
    """
    limits.check_bytes(len(body), item=item)
    image_format, stored = read_image(body, item=item, limits=limits)
    upright = refusing(lambda: Upright(stored), item=item)
    seen = refusing(lambda: look(upright, preview_px=preview_px), item=item)
    facts = ImageFacts(
        format=image_format,
        width_px=upright.size[0],
        height_px=upright.size[1],
        has_alpha=seen.has_alpha,
        pixel_hash=seen.pixel_hash,
        embedded=embedded_metadata(stored, body, image_format),
    )
    return Described(facts, seen.preview)
