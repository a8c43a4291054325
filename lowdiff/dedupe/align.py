"""Ways to lay one small picture over another: whole on whole, content on content, corner on corner.

Corners are matched both ways and a similarity (scale, rotation, shift) is fitted with RANSAC
(Fischler and Bolles 1981); the best guess is refined by maximising the enhanced correlation
coefficient (Evangelidis and Psarakis 2008, "Parametric Image Alignment Using Enhanced
Correlation Coefficient Maximization").
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
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
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    *,
    steps: int = 5,
    share: float = REFINE_SHARE,
) -> Alignment:
    """Move an alignment of two gray pictures to the nearest best fit; itself where none is."""
    small = [
        cv2.resize(gray, None, fx=share, fy=share, interpolation=cv2.INTER_AREA) for gray in (a, b)
    ]
    matrix = alignment.matrix.astype(np.float32)
    offset = np.float32(0.5 * share - 0.5)  # pixel centres move when a picture is made smaller
    ones = matrix[:, :2] @ np.full(2, -offset / share, np.float32)
    matrix[:, 2] = (matrix[:, 2] + ones) * np.float32(share) + offset
    ends = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, steps, 1e-3)
    try:
        _fit, matrix = cv2.findTransformECC(
            small[0], small[1], matrix, cv2.MOTION_AFFINE, ends, None, 3
        )
    except cv2.error:  # no overlap, or nothing to hold on to
        return alignment
    refined = matrix.astype(np.float64)
    full = np.empty_like(refined)
    full[:, :2] = refined[:, :2]
    full[:, 2] = (refined[:, 2] - offset) / share + refined[:, :2] @ np.full(2, offset / share)
    found = Alignment(full, alignment.inliers)
    return found if 0.8 < found.scale / max(alignment.scale, 1e-6) < 1.25 else alignment
