"""Ways to lay one small picture over another: whole on whole, content on content, corner on corner.

Corners are matched both ways and a similarity (scale, rotation, shift) is fitted with RANSAC
(Fischler and Bolles 1981); the best guess is refined by least squares of the gray levels.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

STILL = 2e-3
"""No number of a movement is as large as that any more: the picture has come to rest."""
_SHIFT = 6
"""Corners are drawn to 1 / 64 of a pixel."""
Matrix = NDArray[np.float64]
Gray = NDArray[np.float32] | NDArray[np.uint8]
Box = tuple[int, int, int, int]

LARGEST_STRETCH = 1.9
"""Boxes whose aspects differ by more are not laid on each other; 16:9 squeezed to 1:1 is."""
LARGEST_SCALE = 5.0
FEWEST_INLIERS = 6
FARTHEST_MATCH = 72
"""Differing bits (of 256) up to which two ORB descriptors may be the same corner."""
RANSAC_PX = 3.0
REFINE_SHARE = 0.4
"""Refinement works at this share of the working size: six times as fast, precise enough."""


@dataclass(frozen=True)
class Alignment:
    """Maps pixels of A to pixels of B: b = matrix @ (x, y, 1)."""

    matrix: Matrix
    inliers: int
    """Corners that agree; 0 where none were used."""

    @property
    def scale(self) -> float:
        """Pixels of B for one pixel of A."""
        return float(abs(np.linalg.det(self.matrix[:, :2])) ** 0.5)


def rescaled(
    alignment: Alignment,
    a: tuple[int, int],
    b: tuple[int, int],
    new_a: tuple[int, int],
    new_b: tuple[int, int],
) -> Alignment:
    """The same alignment for the same pictures at other sizes (width, height)."""

    def stretch(old: tuple[int, int], new: tuple[int, int]) -> Matrix:
        x, y = new[0] / old[0], new[1] / old[1]
        # pixel centres lie at integers
        return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])

    whole = np.vstack([alignment.matrix, (0, 0, 1)])
    matrix = stretch(b, new_b) @ whole @ np.linalg.inv(stretch(a, new_a))
    return Alignment(matrix[:2], alignment.inliers)


def box_on_box(a: Box, b: Box) -> Alignment | None:
    """Stretch one box onto another; None when their shapes differ too much."""
    x = (b[2] - b[0]) / (a[2] - a[0])
    y = (b[3] - b[1]) / (a[3] - a[1])
    stretch = max(x / y, y / x)
    if stretch > LARGEST_STRETCH or not 1 / LARGEST_SCALE < x < LARGEST_SCALE:
        return None
    # pixel centres lie at integers
    dx = b[0] + (0.5 - a[0]) * x - 0.5
    dy = b[1] + (0.5 - a[1]) * y - 0.5
    return Alignment(np.array([[x, 0, dx], [0, y, dy]]), 0)


def corner_on_corner(
    a_at: NDArray[np.float16],
    a_descriptors: NDArray[np.uint8],
    b_at: NDArray[np.float16],
    b_descriptors: NDArray[np.uint8],
) -> Alignment | None:
    """The similarity on which most corners agree; None when too few do."""
    if min(len(a_at), len(b_at)) < FEWEST_INLIERS:
        return None
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(a_descriptors, b_descriptors)
    matches = [match for match in matches if match.distance <= FARTHEST_MATCH]
    if len(matches) < FEWEST_INLIERS:
        return None
    from_ = a_at[[match.queryIdx for match in matches]].astype(np.float64)
    to = b_at[[match.trainIdx for match in matches]].astype(np.float64)
    matrix, inside = cv2.estimateAffinePartial2D(
        from_,
        to,
        method=cv2.RANSAC,
        ransacReprojThreshold=RANSAC_PX,
        maxIters=800,
        confidence=0.99,
        refineIters=5,
    )
    if matrix is None or int(inside.sum()) < FEWEST_INLIERS:
        return None
    found = Alignment(matrix, int(inside.sum()))
    return found if 1 / LARGEST_SCALE < found.scale < LARGEST_SCALE else None


def refine(
    alignment: Alignment,
    a: Gray,
    b: Gray,
    *,
    steps: int = 6,
    share: float = REFINE_SHARE,
) -> Alignment:
    """Move an alignment of two gray pictures to the nearest best fit; itself where none is.

    Baker and Matthews 2004, "Lucas-Kanade 20 Years On": inverse compositional, so that slopes are
    taken once, with lightness and contrast of B fitted to A's in every step. Five times as fast
    as OpenCV's ECC at the same precision.
    """
    one, other = (_smaller(gray, share) for gray in (a, b))
    shrink = np.diag((share, share, 1.0))
    shrink[:2, 2] = 0.5 * share - 0.5  # pixel centres move when a picture is made smaller
    matrix = shrink @ np.vstack([alignment.matrix, (0, 0, 1)]) @ np.linalg.inv(shrink)
    mask = seen_mask((one.shape[1], one.shape[0]), matrix[:2], (other.shape[1], other.shape[0]))
    climb = _Climb(one, mask)
    best, least = matrix, np.inf
    for _ in range(steps):
        residual = climb.residual(other, matrix)
        if residual is None:
            return alignment
        if (error := float(cv2.norm(residual, cv2.NORM_L2SQR))) < least:
            best, least = matrix, error
        step = climb.step(residual)
        matrix = matrix @ np.linalg.inv(step)
        if np.abs(step - np.eye(3)).max() < STILL:
            break
    full = np.linalg.inv(shrink) @ best @ shrink
    found = Alignment(full[:2], alignment.inliers)
    return found if 0.8 < found.scale / max(alignment.scale, 1e-6) < 1.25 else alignment


class _Climb:
    """The slopes of one picture, by which another is moved onto it."""

    def __init__(self, one: NDArray[np.float32], mask: NDArray[np.uint8]) -> None:
        self._one = one
        self._mask = mask
        height, width = one.shape
        self._centre = np.array([width / 2, height / 2])
        self._unit = max(width, height) / 2
        x = (np.arange(width, dtype=np.float32) - self._centre[0]) / self._unit
        y = ((np.arange(height, dtype=np.float32) - self._centre[1]) / self._unit)[:, None]
        slopes = [
            cv2.Sobel(one, cv2.CV_32F, *along, ksize=1, scale=0.5) * (mask > 0)
            for along in ((1, 0), (0, 1))
        ]
        planes = [slope * by for slope in slopes for by in (x, y, np.float32(1))]
        self._moves = np.stack(planes).reshape(6, -1).astype(np.float32)
        square = (self._moves @ self._moves.T).astype(np.float64)
        self._square = square + np.eye(6) * (1e-4 * np.trace(square) + 1e-6)
        self._mean, self._spread = _tone(one, mask)

    def residual(self, other: NDArray[np.float32], matrix: Matrix) -> NDArray[np.float32] | None:
        """What is left between the pictures, at equal tones; None for a plain picture."""
        size = (self._one.shape[1], self._one.shape[0])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(
            other, matrix[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        mean, spread = _tone(moved, self._mask)
        if min(spread, self._spread) < 1:
            return None
        gain = self._spread / spread
        return np.asarray(
            cv2.addWeighted(moved, gain, self._one, -1, self._mean - gain * mean), np.float32
        )

    def step(self, residual: NDArray[np.float32]) -> Matrix:
        """The small affine movement of the first picture that explains a residual best."""
        found = np.linalg.solve(self._square, (self._moves @ residual.ravel()).astype(np.float64))
        step = np.eye(3)
        step[:2, :2] += found.reshape(2, 3)[:, :2] / self._unit
        step[:2, 2] = found.reshape(2, 3)[:, 2] + (np.eye(2) - step[:2, :2]) @ self._centre
        return step


def seen_mask(
    size: tuple[int, int], matrix: Matrix, other_size: tuple[int, int]
) -> NDArray[np.uint8]:
    """255 where a picture of the first size shows something that the other shows too, else 0."""
    right, bottom = other_size[0] - 1, other_size[1] - 1
    ends = np.array([[0, 0, 1], [right, 0, 1], [right, bottom, 1], [0, bottom, 1]], np.float64)
    corners = ends @ cv2.invertAffineTransform(matrix).T
    mask = np.zeros((size[1], size[0]), np.uint8)
    parts = 1 << _SHIFT
    limit = 1 << 24  # far outside any picture, and within what OpenCV can hold
    points = np.clip(np.rint(corners * parts), -limit, limit).astype(np.int32)
    cv2.fillConvexPoly(mask, points, (255,), shift=_SHIFT)
    return mask


def _smaller(gray: Gray, share: float) -> NDArray[np.float32]:
    small = cv2.resize(gray, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.float32)


def _tone(gray: cv2.typing.MatLike, mask: NDArray[np.uint8]) -> tuple[float, float]:
    mean, spread = cv2.meanStdDev(gray, mask=mask)
    return float(mean[0, 0]), float(spread[0, 0])
