"""Drawn pictures as uint8 arrays."""

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageFilter

from lowdiff.datasets.read import fit_square
from lowdiff.evaluation.pixels import Pixels
from lowdiff.ingest.decode import flatten
from tests.datasets.corpus import drawn_png

SIZE_PX = 32


def drawn(indexes: Iterable[int], size_px: int = SIZE_PX) -> Pixels:
    """Coloured shapes on white."""
    pictures = []
    for index in indexes:
        with Image.open(io.BytesIO(drawn_png(index))) as image:
            pictures.append(np.asarray(fit_square(flatten(image.convert("RGBA")), size_px)))
    return np.array(pictures, dtype=np.uint8).reshape(-1, size_px, size_px, 3)


def blurred(pixels: Pixels) -> Pixels:
    blur = ImageFilter.GaussianBlur(2)
    return np.array([np.asarray(Image.fromarray(one).filter(blur)) for one in pixels])


def noise(count: int, seed: int = 0) -> Pixels:
    source = np.random.default_rng(seed)
    return source.integers(0, 256, (count, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
