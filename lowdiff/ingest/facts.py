"""What the catalog keeps about an image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
