"""Make an image fit for Tesseract: ink on light ground, big enough, with a margin."""

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
SVG_PX = 600
"""Longest side at which an SVG is rendered for reading."""


@dataclass(frozen=True)
class Prepared:
    """What the engine gets, and how to come back to the original."""

    image: Image.Image
    """Greyscale, dark on light."""
    scale: float
    """Pixels of the prepared image per pixel of the decoded one."""

    def box_in_decoded(
        self, box: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        """x, y, width, height in pixels of the decoded image, from a box of the prepared one."""
        x, y, width, height = box
        return (
            (x - MARGIN_PX) / self.scale,
            (y - MARGIN_PX) / self.scale,
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


def on_ground(rgba: Bytes) -> Tones:
    """Luma 0..255 (h, w) of RGBA (h, w, 4): over white, or over black when it is itself white."""
    luma: Tones = rgba[..., :3].astype(np.float32) @ LUMA
    alpha = rgba[..., 3]
    if alpha.min() == 255:
        return luma
    cover = alpha.astype(np.float32) / 255
    visible = float(cover.sum())
    mean = float((luma * cover).sum()) / visible if visible else 0.0
    ground = np.float32(0 if mean > 200 else 255)
    return (luma * cover + ground * (1 - cover)).astype(np.float32)


def dark_on_light(luma: Tones) -> Bytes:
    """Turn the tones around when the border is dark."""
    light = luma if np.median(_border(luma)) >= 100 else 255 - luma
    return np.clip(light + 0.5, 0, 255).astype(np.uint8)


def _ground_of(grey: Bytes) -> int:
    return int(np.median(_border(grey)))


def _border(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
