"""One picture of a pair, with what is computed from it alone, each part when first asked for."""

from functools import cached_property
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment, seen_mask
from lowdiff.dedupe.trim import content_box, off_ground

TILE = 32
SKETCH = 0.25
WINDOW_PX = 7
TEXTURE = 5.0
"""Standard deviation (of 255 levels) from which a window holds structure."""
STRONGEST = 40.0

Gray = NDArray[np.float32]


class Side:
    """One small picture over a ground."""

    def __init__(
        self, rgb: NDArray[np.uint8], content: tuple[int, int, int, int] | None = None
    ) -> None:
        """Look at nothing yet; `content` is the box inside plain borders where it is known."""
        self.rgb = rgb
        if content is not None:
            self.content = content

    @cached_property
    def gray(self) -> Gray:
        """Slightly smoothed."""
        gray = cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(gray, (0, 0), 0.8), np.float32)

    @cached_property
    def lab(self) -> NDArray[np.uint8]:
        """CIELAB as OpenCV scales it to bytes."""
        smooth = cv2.GaussianBlur(self.rgb, (0, 0), 1.0)
        return np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB), np.uint8)

    @cached_property
    def variance(self) -> Gray:
        """Of the gray levels in the window around each pixel."""
        return variance_of(self.gray, mean_of(self.gray))

    @cached_property
    def strength(self) -> Gray:
        """Contrast where there is structure, bounded; 0 elsewhere."""
        contrast = np.sqrt(self.variance)
        strong = np.minimum(contrast, np.float32(STRONGEST))
        strong[contrast <= TEXTURE] = 0
        return np.asarray(strong, np.float32)

    @cached_property
    def content(self) -> tuple[int, int, int, int]:
        """The box inside plain borders."""
        return content_box(self.rgb)

    @cached_property
    def drawn(self) -> NDArray[np.uint8]:
        """255 where something is drawn, 0 where the colour of the border shows."""
        return off_ground(self.rgb).astype(np.uint8) * np.uint8(255)

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
    mask = seen_mask(size, matrix, (b.sketch.shape[1], b.sketch.shape[0]))
    seen = cv2.countNonZero(mask)
    if seen < 12:
        return -1.0
    inside = mask > 0
    mine, theirs = a.sketch[inside], other[inside]
    mine, theirs = mine - mine.mean(), theirs - theirs.mean()
    spread = float(np.sqrt((mine @ mine) * (theirs @ theirs))) / seen + 1.0
    return float(mine @ theirs) / seen / spread - 0.15 * (1 - seen / mask.size)


def mean_of(gray: Gray, width_px: int = WINDOW_PX) -> Gray:
    """The mean of the window around each pixel."""
    return np.asarray(cv2.boxFilter(gray, -1, (width_px, width_px)), np.float32)


def variance_of(gray: Gray, mean: Gray, width_px: int = WINDOW_PX) -> Gray:
    """The variance of the window around each pixel, of which the means are known."""
    squares = cv2.sqrBoxFilter(gray, cv2.CV_32F, (width_px, width_px))
    variance = np.asarray(cv2.subtract(squares, cv2.multiply(mean, mean)), np.float32)
    # here and elsewhere: OpenCV is slow with single numbers, NumPy is not
    return np.maximum(variance, 0, out=variance)


Levels = TypeVar("Levels", np.float32, np.uint8)


def warp(
    picture: NDArray[Levels], matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[Levels]:
    """The picture B as A would show it, for a matrix that maps A to B."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, picture.dtype)
