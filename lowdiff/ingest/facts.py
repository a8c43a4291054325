"""What the catalog keeps about an image, from its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lowdiff.ingest.decode import decode, has_alpha, pixel_hash, sniff_format
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


def describe_image(body: bytes, *, item: str, limits: Limits) -> ImageFacts:
    """Decode an image once and tell what it is.

    Raises:
        InputError: it is no image, is broken, or is beyond the limits.
    """
    limits.check_bytes(len(body), item=item)
    image_format = sniff_format(body, item=item)
    image = decode(body, image_format, item=item, limits=limits)
    return ImageFacts(
        format=image_format,
        width_px=image.width,
        height_px=image.height,
        has_alpha=has_alpha(image),
        pixel_hash=pixel_hash(image),
    )
