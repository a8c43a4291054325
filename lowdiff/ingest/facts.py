"""What the catalog keeps about an image, from its bytes."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from lowdiff.ingest.decode import decode, flatten, has_alpha, pixel_hash, sniff_format
from lowdiff.ingest.limits import Limits


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


PREVIEW_QUALITY = 85


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
    image_format = sniff_format(body, item=item)
    image = decode(body, image_format, item=item, limits=limits)
    facts = ImageFacts(
        format=image_format,
        width_px=image.width,
        height_px=image.height,
        has_alpha=has_alpha(image),
        pixel_hash=pixel_hash(image),
    )
    return Described(facts, None if preview_px is None else _preview(image, preview_px))


def _preview(image: Image.Image, longest_px: int) -> bytes:
    image = image.copy()
    image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    flatten(image).save(out, "JPEG", quality=PREVIEW_QUALITY)
    return out.getvalue()
