"""Find a mark in a picture: corners that agree on one similarity, and pixels that then agree too.

Corners are SIFT's (Lowe 2004), which stand changes of scale; the similarity is found by RANSAC
(Fischler and Bolles 1981). A flat mark has few corners, so what lies under it must look like it:
the gradients of both are correlated, which the colour of mark and ground does not change.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

MARK_PX, PICTURE_PX = 200, 1000
"""Longest sides at which marks and pictures are looked at."""
MOST_CORNERS = 2500
LEAST_MARK_PX = 12
RATIO = 0.85
"""A corner must be so much nearer than the next best one."""
LEAST_INLIERS, LEAST_LIKENESS = 4, 0.45
RANSAC_PX = 4.0
SCALES = (0.06, 3.0)
"""Of a mark in the picture against its template."""


@dataclass(frozen=True)
class Corners:
    """A picture as it is searched."""

    gray: Bytes
    at: Floats
    """(n, 2) x and y."""
    descriptors: Floats
    scale: float
    """Pixels of `gray` for one of the original."""


@dataclass(frozen=True)
class Found:
    """A mark in a picture; the box is in pixels of the original."""

    x_px: float
    y_px: float
    w_px: float
    h_px: float
    inliers: int
    likeness: float
    """Correlation of the gradients, -1..1."""

    @property
    def confidence(self) -> float:
        """How sure it is, before people have judged it; 0.3..0.98."""
        corners = 1 - 0.8 ** (self.inliers - LEAST_INLIERS + 1)
        pixels = min(1.0, max(0.0, (self.likeness - LEAST_LIKENESS) / 0.4))
        return round(min(0.98, 0.3 + 0.35 * corners + 0.35 * pixels), 4)


def corners_of(rgba: Bytes, longest_px: int) -> Corners:
    """The corners of a picture, made as large as that; transparent pixels are a middle grey."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    flat = np.round(rgba[..., :3] * alpha + 128 * (1 - alpha)).astype(np.uint8)
    gray = cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY)
    scale = longest_px / max(gray.shape)
    if scale > 1:
        scale = min(scale, 4.0)
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    gray = np.asarray(cv2.resize(gray, size, interpolation=way), dtype=np.uint8)
    points, descriptors = _sift().detectAndCompute(gray, None)
    if descriptors is None:
        return Corners(gray, np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32), scale)
    at = np.array([point.pt for point in points], dtype=np.float32)
    # square roots of shares compare better (Arandjelović and Zisserman 2012, "RootSIFT")
    shares = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    return Corners(gray, at, np.sqrt(shares).astype(np.float32), scale)


def find_mark(mark: Corners, picture: Corners) -> Found | None:
    """Where the mark is in the picture; None where it is not."""
    if min(len(mark.at), len(picture.at)) < LEAST_INLIERS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(mark.descriptors, picture.descriptors, k=2)
    good = [two[0] for two in pairs if len(two) == 2 and two[0].distance < RATIO * two[1].distance]
    if len(good) < LEAST_INLIERS:
        return None
    from_ = mark.at[[match.queryIdx for match in good]]
    to = picture.at[[match.trainIdx for match in good]]
    cv2.setRNGSeed(1)
    matrix, inside = cv2.estimateAffinePartial2D(
        from_, to, method=cv2.RANSAC, ransacReprojThreshold=RANSAC_PX, maxIters=2000
    )
    if matrix is None:
        return None
    # several corners at one place are one corner
    kept = inside.ravel() > 0
    inliers = len(np.unique(np.round(to[kept] / 3), axis=0))
    size = float(abs(np.linalg.det(matrix[:, :2])) ** 0.5)
    if inliers < LEAST_INLIERS or not SCALES[0] < size < SCALES[1]:
        return None
    likeness = _likeness(mark.gray, picture.gray, matrix)
    if likeness < LEAST_LIKENESS:
        return None
    left, top, right, bottom = _extent(matrix, mark.gray.shape[:2])
    height, width = picture.gray.shape
    left, right = max(0.0, left), min(float(width), right)
    top, bottom = max(0.0, top), min(float(height), bottom)
    if right - left < LEAST_MARK_PX or bottom - top < LEAST_MARK_PX:
        return None
    by = picture.scale
    return Found(
        left / by, top / by, (right - left) / by, (bottom - top) / by, inliers, round(likeness, 4)
    )


def _sift() -> cv2.SIFT:
    return cv2.SIFT.create(nfeatures=MOST_CORNERS, contrastThreshold=0.02, edgeThreshold=20)


def _likeness(mark: Bytes, picture: Bytes, matrix: NDArray[np.float64]) -> float:
    """Correlation of the steepness of the mark with that of the pixels under it."""
    height, width = mark.shape
    back = cv2.warpAffine(
        picture, matrix, (width, height), flags=cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
    )
    a, b = (_steepness(gray) for gray in (mark, back))
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-6))


def _steepness(gray: Bytes) -> Floats:
    soft = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 2.0)
    steep = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    return np.asarray(np.sqrt(steep), dtype=np.float32)


def _extent(
    matrix: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[float, float, float, float]:
    height, width = shape
    edges = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], dtype=float)
    x, y = (matrix @ edges.T).tolist()
    return min(x), min(y), max(x), max(y)
