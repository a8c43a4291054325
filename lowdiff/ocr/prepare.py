"""Make an image fit for the engines: on a ground, big enough, with a margin."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]
Tones = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
SMALL_PX = 600
"""Images with a smaller longest side are enlarged to it: letters get the 20 px that help."""
LARGEST_ENLARGEMENT = 3.0
MAX_MEGAPIXELS = 16.0
"""Larger images are read smaller."""
MARGIN_PX = 20
"""Letters at the very edge are lost without a margin."""
MARGIN_SHARE = 0.25
"""PP-OCR's further margin, as a share of the shorter side."""
MAX_MARGIN_PX = 100
SMALL_COLOUR_PX = 256
"""PP-OCR gets images of at least this longest side."""
SVG_PX = 600
"""Longest side at which an SVG is rendered for reading."""


@dataclass(frozen=True)
class Prepared:
    """What the engine gets, and how to come back to the original."""

    image: Image.Image
    """For Tesseract greyscale and dark on light, for PP-OCR in colour."""
    scale: float
    """Pixels of the prepared image per pixel of the decoded one."""
    margin_px: int = MARGIN_PX

    def box_in_decoded(
        self, box: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        """x, y, width, height in pixels of the decoded image, from a box of the prepared one."""
        x, y, width, height = box
        return (
            (x - self.margin_px) / self.scale,
            (y - self.margin_px) / self.scale,
            width / self.scale,
            height / self.scale,
        )


def prepare(rgba: Image.Image) -> Prepared:
    """Lay on a ground, turn light-on-dark around, scale, and add a margin.

    Args:
        rgba: decoded pixels, mode RGBA.
    """
    grey = dark_on_light(on_ground(np.asarray(rgba)))
    image = Image.fromarray(grey)
    longest = max(image.size)
    scale = 1.0
    if longest < SMALL_PX:
        scale = min(LARGEST_ENLARGEMENT, SMALL_PX / longest)
    elif image.width * image.height > MAX_MEGAPIXELS * 1e6:
        scale = math.sqrt(MAX_MEGAPIXELS * 1e6 / (image.width * image.height))
    if scale != 1.0:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    framed = Image.new(
        "L", (image.width + 2 * MARGIN_PX, image.height + 2 * MARGIN_PX), _ground_of(grey)
    )
    framed.paste(image, (MARGIN_PX, MARGIN_PX))
    return Prepared(framed, scale)


def prepare_colours(rgba: Image.Image, *, turned: bool = False) -> Prepared:
    """Lay on a ground and add a broad margin, for an engine that was taught on photos.

    PP-OCR looks for lines with some ground around them: without it, it misses words that fill a
    logo.

    Args:
        rgba: decoded pixels, mode RGBA.
        turned: light becomes dark and dark light.
    """
    pixels = np.asarray(rgba)
    colours = pixels[..., :3]
    if pixels[..., 3].min() < 255:
        cover = pixels[..., 3:].astype(np.float32) / 255
        laid = colours * cover + np.float32(_ground_tone(pixels)) * (1 - cover)
        colours = (laid + 0.5).astype(np.uint8)
    if turned:
        colours = 255 - colours
    image = Image.fromarray(np.ascontiguousarray(colours))
    scale = min(LARGEST_ENLARGEMENT, max(1.0, SMALL_COLOUR_PX / max(image.size)))
    if scale > 1:
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    margin = MARGIN_PX + min(MAX_MARGIN_PX, round(min(image.size) * MARGIN_SHARE))
    edge = tuple(int(tone) for tone in np.median(_border(colours), axis=0))
    framed = Image.new("RGB", (image.width + 2 * margin, image.height + 2 * margin), edge)
    framed.paste(image, (margin, margin))
    return Prepared(framed, scale, margin)


def on_ground(rgba: Bytes) -> Tones:
    """Luma 0..255 (h, w) of RGBA (h, w, 4): over white, or over black when it is itself white."""
    luma: Tones = rgba[..., :3].astype(np.float32) @ LUMA
    alpha = rgba[..., 3]
    if alpha.min() == 255:
        return luma
    cover = alpha.astype(np.float32) / 255
    return (luma * cover + np.float32(_ground_tone(rgba)) * (1 - cover)).astype(np.float32)


def dark_on_light(luma: Tones) -> Bytes:
    """Turn the tones around when the border is dark."""
    light = luma if np.median(_border(luma)) >= 100 else 255 - luma
    return np.clip(light + 0.5, 0, 255).astype(np.uint8)


def _ground_tone(rgba: Bytes) -> int:
    """What to lay a partly transparent image on: white, or black when it is itself white."""
    luma = rgba[..., :3].astype(np.float32) @ LUMA
    cover = rgba[..., 3].astype(np.float32) / 255
    visible = float(cover.sum())
    mean = float((luma * cover).sum()) / visible if visible else 0.0
    return 0 if mean > 200 else 255


def _ground_of(grey: Bytes) -> int:
    return int(np.median(_border(grey)))


def _border(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
