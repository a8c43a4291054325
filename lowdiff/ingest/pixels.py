"""Look at a decoded image strip by strip: upright, in sRGB, without a second copy of it."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blake3 import blake3
from PIL import Image

from lowdiff.ingest.colours import Colours

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    RgbRows = NDArray[np.uint8]
    """Height × width × 3, without gaps."""

STRIP_PX = 1 << 18
"""Pixels of one strip: a megabyte, which stays in a core's cache."""
PREVIEW_QUALITY = 85
_ORIENTATION = 0x0112  # EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)
"""Orientations whose rows are the stored columns."""


@dataclass(frozen=True)
class Seen:
    """What one walk over the pixels tells."""

    pixel_hash: str
    has_alpha: bool
    preview: bytes | None


class Upright:
    """A loaded image as a person sees it: its orientation applied, RGB or RGBA in sRGB."""

    def __init__(self, image: Image.Image) -> None:
        self.rows: RgbRows | None = None
        """All pixels, where something else than Pillow has decoded them."""
        self._image = image
        self._orientation = _orientation_of(image)
        self._colours = Colours(image)
        width, height = image.size
        self.size = (height, width) if self._orientation in _LYING else (width, height)

    @property
    def is_plain(self) -> bool:
        """Whether the stored pixels are those that a person sees."""
        return self._orientation == 1 and self._colours.are_plain

    def strips(self, rows: int) -> Iterator[tuple[Image.Image, memoryview | bytes | None]]:
        """The image from its top, `rows` rows at a time; each also as bytes where they exist."""
        if self.rows is None:
            yield from ((strip, None) for strip in self._strips(rows))
            return
        for top in range(0, self.size[1], rows):
            part = self.rows[top : top + rows]
            yield Image.fromarray(part), part.data

    def _strips(self, rows: int) -> Iterator[Image.Image]:
        height = self.size[1]
        if rows >= height:
            yield self._turned(self._colours.convert(self._image))
            return
        for top in range(0, height, rows):
            strip = self._image.crop(self._box(top, min(top + rows, height)))
            yield self._turned(self._colours.convert(strip))

    def whole(self) -> Image.Image:
        """All of it in one image, RGB or RGBA."""
        return next(iter(self.strips(self.size[1])))[0]

    def _turned(self, image: Image.Image) -> Image.Image:
        return image if self._orientation == 1 else image.transpose(_TURNS[self._orientation])

    def _box(self, top: int, bottom: int) -> tuple[int, int, int, int]:
        """Where the rows from `top` to `bottom` lie in the stored image."""
        width, height = self._image.size
        if self._orientation in (1, 2):
            return (0, top, width, bottom)
        if self._orientation in (3, 4):
            return (0, height - bottom, width, height - top)
        if self._orientation in (5, 6):
            return (top, 0, bottom, height)
        return (width - bottom, 0, width - top, height)


def look(image: Upright, *, preview_px: int | None = None) -> Seen:
    """Hash the pixels and, when asked, make a preview, in one walk.

    The hash is BLAKE3 over "width x height:", the RGB rows and, only when a pixel is not opaque,
    the BLAKE3 of the alpha rows: files that show exactly the same picture have the same hash,
    with or without an alpha channel. The colour of a fully transparent pixel shows nowhere and
    does not count.

    Args:
        preview_px: longest side of the preview, a JPEG over white that is never enlarged.
    """
    width, height = image.size
    preview = None if preview_px is None else _Preview(image.size, preview_px)
    step = 1 if preview is None else preview.step
    colours = blake3(f"{width}x{height}:".encode())
    alphas = _Alphas()
    for strip, packed in image.strips(max(1, STRIP_PX // width // step) * step):
        opaque = alphas.add(strip)
        seen = strip if strip.mode == "RGB" else strip.convert("RGB")
        if packed is None:
            packed = (seen if opaque else _visible(strip, seen)).tobytes()
        colours.update(packed)
        if preview is not None:
            preview.add(seen if opaque else strip)
    if alphas.digest is not None:
        colours.update(alphas.digest.digest())
    return Seen(
        colours.hexdigest(),
        alphas.digest is not None,
        None if preview is None else preview.jpeg(),
    )


def flatten(image: Image.Image, ground: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """RGB pixels of an RGBA image over a plain ground."""
    backdrop = Image.new("RGBA", image.size, (*ground, 255))
    return Image.alpha_composite(backdrop, image).convert("RGB")


def _orientation_of(image: Image.Image) -> int:
    """1 to 8, as in EXIF; 1 (upright) where the tag is missing or broken."""
    try:
        told = image.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1
    return told if told in _TURNS else 1


class _Alphas:
    """The hash of the alpha rows; it begins with the first strip that is not opaque."""

    def __init__(self) -> None:
        self.digest: blake3 | None = None
        """None while everything is opaque."""
        self._opaque_strips: list[int] = []

    def add(self, strip: Image.Image) -> bool:
        """Whether the strip is opaque."""
        alpha = strip.getchannel("A") if strip.mode == "RGBA" else None
        opaque = alpha is None or alpha.getextrema()[0] == 255
        if opaque and self.digest is None:
            self._opaque_strips.append(strip.width * strip.height)
            return True
        if self.digest is None:
            self.digest = blake3()
            for pixels in self._opaque_strips:
                self.digest.update(b"\xff" * pixels)
        self.digest.update(
            b"\xff" * (strip.width * strip.height) if alpha is None else alpha.tobytes()
        )
        return opaque


def _visible(strip: Image.Image, colours: Image.Image) -> Image.Image:
    """The colours, black where nothing is to be seen."""
    alpha = strip.getchannel("A")
    if alpha.getextrema()[0] > 0:  # type: ignore[operator]  # one band, one pair
        return colours
    return Image.composite(
        colours, Image.new("RGB", strip.size), alpha.point(lambda value: 255 if value else 0)
    )


class _Preview:
    """A small picture, made of strips that are shrunk as they come."""

    def __init__(self, size: tuple[int, int], longest_px: int) -> None:
        scale = max(size) / longest_px
        self._target = size if scale <= 1 else _scaled(size, scale)
        self.step = max(1, int(scale))
        """Rows that become one row: only a multiple of them may be added, but for the last."""
        self._factor = (min(self.step, size[0]), min(self.step, size[1]))
        self._small = Image.new("RGB", (-(-size[0] // self._factor[0]), -(-size[1] // self.step)))
        self._top = 0

    def add(self, strip: Image.Image) -> None:
        small = strip.convert("RGBa") if strip.mode == "RGBA" else strip
        if self.step > 1:
            small = small.reduce(self._factor)
        if small.mode == "RGBa":
            small = flatten(small.convert("RGBA"))
        self._small.paste(small, (0, self._top))
        self._top += small.height

    def jpeg(self) -> bytes:
        small = self._small
        if small.size != self._target:
            small = small.resize(self._target, Image.Resampling.LANCZOS)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=PREVIEW_QUALITY)
        return out.getvalue()


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] / scale)), max(1, round(size[1] / scale))


def pixel_hash(image: Image.Image) -> str:
    """The hash that `look` gives, of an RGB or RGBA image that is upright already."""
    return look(Upright(image)).pixel_hash
