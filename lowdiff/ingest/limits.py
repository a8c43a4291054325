"""How big an image may be."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lowdiff.errors import InputError

if TYPE_CHECKING:  # its library takes 16 MB of each decoder process
    from lowdiff.settings import Settings

MEMORY_MB = 300.0
"""Millions of bytes that a decoder process may hold, for any file of up to `MEGAPIXELS`."""
MEGAPIXELS = 50.0


@dataclass(frozen=True)
class Limits:
    """What one image may cost; beyond that it is refused, before it is decoded."""

    max_mb: float = 50.0
    """Millions of bytes of the original file."""
    max_megapixels: float = MEGAPIXELS
    max_side_px: int = 20_000
    timeout_s: float = 30.0
    """Seconds that decoding one image may take."""

    @property
    def memory_mb(self) -> float:
        """Millions of bytes that a decoder process may hold; who allows more pixels allows more."""
        return MEMORY_MB * max(1.0, self.max_megapixels / MEGAPIXELS)

    @classmethod
    def of(cls, settings: "Settings") -> "Limits":
        """The limits that the settings set for every source."""
        return cls(
            max_mb=settings.max_image_mb,
            max_megapixels=settings.max_image_megapixels,
            max_side_px=settings.max_image_side_px,
        )

    def check_bytes(self, size_bytes: int, *, item: str) -> None:
        """Refuse a file that is empty or too big.

        Raises:
            InputError: it is.
        """
        if size_bytes == 0:
            raise InputError(item, "is empty", reason="empty_file")
        if size_bytes > self.max_mb * 1e6:
            raise InputError(
                item,
                "is too big",
                reason="too_big",
                found=f"{size_bytes / 1e6:.1f} MB",
                allowed=f"{self.max_mb:g} MB",
                do="Raise max_mb of its source to accept it.",
            )

    def check_size(self, width_px: int, height_px: int, *, item: str) -> None:
        """Refuse an image with no pixels or too many.

        Raises:
            InputError: it has.
        """
        if min(width_px, height_px) < 1:
            raise InputError(
                item,
                "has no pixels",
                reason="broken_image",
                found=f"{width_px} × {height_px} px",
                allowed="at least 1 × 1 px",
            )
        megapixels = width_px * height_px / 1e6
        if megapixels > self.max_megapixels or max(width_px, height_px) > self.max_side_px:
            raise InputError(
                item,
                "has too many pixels",
                reason="too_many_pixels",
                found=f"{width_px} × {height_px} px ({megapixels:.1f} megapixels)",
                allowed=f"{self.max_megapixels:g} megapixels, {self.max_side_px} px a side",
                do="Raise max_megapixels or max_side_px of its source to accept it.",
            )
