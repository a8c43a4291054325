"""Pictures of any shape at nearly the same area: each goes into the bucket of the nearest shape.

Source: aspect-ratio buckets as in NovelAI's training, here with the sides in steps of the
autoencoder's factor. A square preset has one bucket, the white square.
"""

import math
from typing import NamedTuple

from PIL import Image

from lowdiff.datasets.read import GROUND

WIDEST = 2.5
"""No bucket is wider (or taller) than about this many times its other side."""
STEPS_PER_SIDE = 8
"""The longer sides differ by an eighth of the square's side, or by the factor if that is more.
More buckets would hold too few images each, and each costs a GPU a compilation."""
CROPPED_AT_MOST = 0.1
"""A picture loses at most this share of its width or height to fill its bucket; one that would lose
more is fitted inside, on white."""


class Shape(NamedTuple):
    """A size in pixels, in the order of tensors."""

    height_px: int
    width_px: int


def bucket_shapes(side_px: int, factor: int) -> list[Shape]:
    """Every bucket for pictures of about `side_px` x `side_px` pixels, tallest first.

    Args:
        factor: pixels per latent cell along one side; all sides are multiples of it.
    """
    step = max(factor, round(side_px / STEPS_PER_SIDE / factor) * factor)
    square = max(1, round(side_px / factor)) * factor
    shapes = {Shape(square, square)}
    for long in range(square + step, int(side_px * math.sqrt(WIDEST)) + 1, step):
        short = max(1, round(side_px**2 / long / factor)) * factor
        shapes |= {Shape(long, short), Shape(short, long)}
    return sorted(shapes, key=lambda shape: shape.width_px / shape.height_px)


def nearest_shape(width_px: int, height_px: int, shapes: list[Shape]) -> Shape:
    """The bucket whose ratio of the sides is nearest, in octaves."""
    ratio = math.log(width_px / height_px)
    return min(shapes, key=lambda shape: abs(math.log(shape.width_px / shape.height_px) - ratio))


def fit_shape(image: Image.Image, shape: Shape) -> Image.Image:
    """An RGB picture of exactly this shape, with its own ratio of the sides.

    It fills the bucket and loses a strip at two edges; where that would be too much of it, it is
    fitted inside, on white.
    """
    wide, tall = shape.width_px / image.width, shape.height_px / image.height
    fills = min(wide, tall) / max(wide, tall) >= 1 - CROPPED_AT_MOST
    scale = max(wide, tall) if fills else min(wide, tall)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    scaled = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (shape.width_px, shape.height_px), GROUND)
    left, top = (shape.width_px - size[0]) // 2, (shape.height_px - size[1]) // 2
    sheet.paste(scaled, (left, top))
    return sheet
