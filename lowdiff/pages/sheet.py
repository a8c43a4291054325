"""Images inside a page: small data URIs."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

WHITE = (255, 255, 255)
LOSSLESS_PX = 128
"""Up to this size every pixel is kept: a small model's output is judged by its pixels."""
QUALITY = 88


@dataclass(frozen=True)
class Picture:
    """An image that a page can show without asking anybody for it."""

    uri: str
    """`data:image/webp;base64,…`"""
    width_px: int
    height_px: int
    alt: str
    """What is to be seen, for those who do not see it."""


def on_white(image: Image.Image) -> Image.Image:
    """RGB pixels; what is transparent becomes white, as on paper."""
    if image.mode == "RGB":
        return image
    backdrop = Image.new("RGBA", image.size, (*WHITE, 255))
    return Image.alpha_composite(backdrop, image.convert("RGBA")).convert("RGB")


def fit(image: Image.Image, longest_px: int) -> Image.Image:
    """The image on white, made smaller where its longest side is longer than `longest_px`."""
    small = on_white(image)
    if max(small.size) > longest_px:
        small = small.copy()
        small.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    return small


def picture(image: Image.Image, *, longest_px: int, alt: str) -> Picture:
    """A thumbnail as a data URI (WebP); the same pixels give the same text.

    Args:
        longest_px: the image is never larger than this, so that a page stays small.
        alt: a description; it is escaped by the template, not here.
    """
    small = fit(image, longest_px)
    file = io.BytesIO()
    lossless = max(small.size) <= LOSSLESS_PX
    small.save(file, "WEBP", lossless=lossless, quality=QUALITY, method=4, exif=b"", xmp=b"")
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return Picture(f"data:image/webp;base64,{text}", small.width, small.height, alt)
