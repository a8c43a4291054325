"""One picture of a pair, with what is computed from it alone, each part when first asked for."""

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment
from lowdiff.dedupe.trim import content_box, off_ground

TILE = 32
SKETCH = 0.25
WINDOW_PX = 7

Gray = NDArray[np.float32]


class Side:
    """One small picture over a ground."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self.rgb = rgb

    @cached_property
    def gray(self) -> Gray:
        """Slightly smoothed."""
        gray = cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(gray, (0, 0), 0.8), np.float32)

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """CIELAB as OpenCV scales it to bytes."""
        smooth = cv2.GaussianBlur(self.rgb, (0, 0), 1.0)
        return np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB), np.float32)

    @cached_property
    def contrast(self) -> Gray:
        """Standard deviation in the window around each pixel."""
        mean = mean_of(self.gray)
        variance = np.maximum(mean_of(self.gray * self.gray) - mean * mean, 0)
        return np.asarray(np.sqrt(variance), np.float32)

    @cached_property
    def content(self) -> tuple[int, int, int, int]:
        """The box inside plain borders."""
        return content_box(self.rgb)

    @cached_property
    def drawn(self) -> Gray:
        """1 where something is drawn, 0 where the colour of the border shows."""
        return np.asarray(off_ground(self.rgb), np.float32)

    @cached_property
    def tile(self) -> Gray:
        """The content as a small square with mean 0 and deviation 1."""
        left, top, right, bottom = self.content
        gray = cv2.cvtColor(self.rgb[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
        tile = cv2.resize(gray, (TILE, TILE), interpolation=cv2.INTER_AREA).astype(np.float32)
        return np.asarray((tile - tile.mean()) / (tile.std() + 1e-3), np.float32)

    @cached_property
    def colours(self) -> NDArray[np.float32]:
        """The content in CIELAB as a very small square."""
        left, top, right, bottom = self.content
        tile = cv2.resize(
            self.rgb[top:bottom, left:right], (TILE // 2, TILE // 2), interpolation=cv2.INTER_AREA
        )
        return np.asarray(cv2.cvtColor(tile, cv2.COLOR_RGB2LAB), np.float32)

    @cached_property
    def sketch(self) -> Gray:
        """A quarter of the size without its ground: to choose between alignments quickly."""
        small = cv2.resize(self.gray, None, fx=SKETCH, fy=SKETCH, interpolation=cv2.INTER_AREA)
        return np.asarray(small - cv2.blur(small, (9, 9)), np.float32)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]


def quick_fit(a: Side, b: Side, alignment: Alignment) -> float:
    """Correlation of the sketches where they overlap, less what does not overlap."""
    matrix = alignment.matrix.copy()
    centre = 0.5 * SKETCH - 0.5  # pixel centres move when a picture is made smaller
    matrix[:, 2] = SKETCH * (matrix[:, 2] - matrix[:, :2] @ np.full(2, centre / SKETCH)) + centre
    if alignment.scale < 1:
        a, b, matrix = b, a, cv2.invertAffineTransform(matrix)
    size = (a.sketch.shape[1], a.sketch.shape[0])
    other = warp(b.sketch, matrix, size)
    inside = warp(np.ones(b.sketch.shape, np.float32), matrix, size) > 0.9
    if inside.sum() < 12:
        return -1.0
    mine, theirs = a.sketch[inside], other[inside]
    spread = float(mine.std() * theirs.std()) + 1.0
    fit = float((mine * theirs).mean() - mine.mean() * theirs.mean()) / spread
    return fit - 0.15 * (1 - float(inside.mean()))


def mean_of(gray: Gray, width_px: int = WINDOW_PX) -> Gray:
    """The mean of the window around each pixel."""
    return np.asarray(cv2.boxFilter(gray, -1, (width_px, width_px)), np.float32)


def warp(
    picture: NDArray[np.float32], matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float32]:
    """The picture B as A would show it, for a matrix that maps A to B."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=flags), np.float32)


def overlap(
    size: tuple[int, int], matrix: NDArray[np.float64], other_size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Where a picture of the first size shows something that the other shows too."""
    whole = np.full((other_size[1], other_size[0]), 255, np.uint8)
    seen = cv2.warpAffine(whole, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(seen > 252)
