"""Find a mark in a picture: one pair of like corners guesses a place, the pixels there decide.

Corners are SIFT's (Lowe 2004), each with a size and a direction, so that a single pair tells where
and how large the mark would be. A flat mark has too few corners for more than a guess: the guesses
are rated by how well the steepness of the mark and of the pixels under it are correlated, which the
colours of mark and ground do not change, and the best one is moved to its best fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

MARK_PX, PICTURE_PX = 200, 800
"""Longest sides at which marks and pictures are looked at."""
MOST_CORNERS = 2500
LEAST_MARK_PX = 12
MOST_GUESSES = 90
SAME_DIRECTION_DEG = 20
"""Marks stand upright: corners turned further against each other are no pair."""
LEAST_AGREEING, LEAST_GUESS, LEAST_LIKENESS = 3, 0.3, 0.62
"""Pairs of corners that agree with the place, and the correlation before and after it is fitted."""
AGREE_SHARE = 0.06
"""Of the mark's side: pairs that are no further apart agree."""
RATED_PX = 64
"""Side at which guesses are rated."""
SCALES = (0.06, 3.0)
"""Of a mark in the picture against its template."""
Place = tuple[float, float, float]
"""Pixels of the picture for one of the mark, and where its top left corner is."""


@dataclass(frozen=True)
class Corners:
    """A picture as it is searched."""

    gray: Bytes
    at: Floats
    """(n, 2) x and y."""
    sizes: Floats
    directions_deg: Floats
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
    agreeing: int
    """Pairs of corners."""
    likeness: float
    """Correlation of the steepness, -1..1."""

    @property
    def confidence(self) -> float:
        """How sure it is, before people have judged it; 0.3..0.98."""
        corners = 1 - 0.7 ** (self.agreeing - LEAST_AGREEING)
        pixels = min(1.0, max(0.0, (self.likeness - LEAST_LIKENESS) / 0.3))
        return round(min(0.98, 0.4 + 0.2 * corners + 0.38 * pixels), 4)


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
        descriptors = np.zeros((0, 128), dtype=np.float32)
    # square roots of shares compare better (Arandjelović and Zisserman 2012, "RootSIFT")
    shares = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    return Corners(
        gray,
        np.array([point.pt for point in points], dtype=np.float32).reshape(-1, 2),
        np.array([point.size for point in points], dtype=np.float32),
        np.array([point.angle for point in points], dtype=np.float32),
        np.sqrt(shares).astype(np.float32),
        scale,
    )


def find_mark(mark: Corners, picture: Corners) -> Found | None:
    """Where the mark is in the picture; None where it is not."""
    if not len(mark.at) or not len(picture.at):
        return None
    pairs = _pairs(mark, picture)
    guesses = sorted({_rounded(_place(mark, picture, *pair)) for pair in pairs})
    guesses = [one for one in guesses if SCALES[0] < one[0] < SCALES[1]]
    if not guesses:
        return None
    rated = [(_likeness(mark.gray, picture.gray, one, RATED_PX), one) for one in guesses]
    first = max(rated)
    if first[0] < LEAST_GUESS:
        return None
    place = _fitted(mark.gray, picture.gray, first)
    likeness = _likeness(mark.gray, picture.gray, place, max(mark.gray.shape))
    agreeing = _agreeing(mark, picture, pairs, place)
    if likeness < LEAST_LIKENESS or agreeing < LEAST_AGREEING:
        return None
    return _found(mark, picture, place, agreeing, likeness)


def _pairs(mark: Corners, picture: Corners) -> list[tuple[int, int]]:
    """The pairs of corners that are most like each other and stand alike."""
    matches = cv2.BFMatcher(cv2.NORM_L2).knnMatch(mark.descriptors, picture.descriptors, k=2)
    ordered = sorted((one.distance, one.queryIdx, one.trainIdx) for two in matches for one in two)
    pairs = []
    for _, one, other in ordered:
        turn = abs(mark.directions_deg[one] - picture.directions_deg[other]) % 360
        if min(turn, 360 - turn) <= SAME_DIRECTION_DEG:
            pairs.append((one, other))
    return pairs[:MOST_GUESSES]


def _place(mark: Corners, picture: Corners, one: int, other: int) -> Place:
    """Where the mark would be if these corners were the same."""
    size = float(picture.sizes[other] / mark.sizes[one])
    x, y = (picture.at[other] - size * mark.at[one]).tolist()
    return size, x, y


def _rounded(place: Place) -> Place:
    size = round(place[0], 2)
    return max(size, 0.01), round(place[1]), round(place[2])


def _fitted(mark: Bytes, picture: Bytes, start: tuple[float, Place]) -> Place:
    """Climb to the best fit nearby, by steps that get smaller."""
    best = start
    for step in (0.12, 0.06, 0.03, 0.015):
        for _ in range(4):
            size, x, y = best[1]
            dx, dy = step * size * mark.shape[1], step * size * mark.shape[0]
            tried = [(size, x + dx, y), (size, x - dx, y), (size, x, y + dy), (size, x, y - dy)]
            for share in (1 + step, 1 / (1 + step)):
                # about the middle, or every change of size would move the mark, too
                by = (1 - share) * size / 2
                tried.append((size * share, x + by * mark.shape[1], y + by * mark.shape[0]))
            better = max((_likeness(mark, picture, one, RATED_PX), one) for one in tried)
            if better[0] <= best[0]:
                break
            best = better
    return best[1]


def _agreeing(
    mark: Corners, picture: Corners, pairs: Sequence[tuple[int, int]], place: Place
) -> int:
    """Corners of the picture that lie where their partners in the mark say."""
    size, x, y = place
    allowed = AGREE_SHARE * size * max(mark.gray.shape)
    ours = np.array([one for one, _ in pairs])
    theirs = np.array([other for _, other in pairs])
    away = np.abs(picture.at[theirs] - size * mark.at[ours] - np.array([x, y])).max(axis=1)
    places = np.round(picture.at[theirs][away <= allowed] / 3)
    return len(np.unique(places, axis=0)) if len(places) else 0


def _found(
    mark: Corners, picture: Corners, place: Place, agreeing: int, likeness: float
) -> Found | None:
    size, x, y = place
    height, width = picture.gray.shape
    left, right = max(0.0, x), min(float(width), x + size * mark.gray.shape[1])
    top, bottom = max(0.0, y), min(float(height), y + size * mark.gray.shape[0])
    if right - left < LEAST_MARK_PX or bottom - top < LEAST_MARK_PX:
        return None
    by = picture.scale
    box = (left / by, top / by, (right - left) / by, (bottom - top) / by)
    return Found(*box, agreeing, round(likeness, 4))


def _sift() -> cv2.SIFT:
    return cv2.SIFT.create(nfeatures=MOST_CORNERS, contrastThreshold=0.02, edgeThreshold=20)


def _likeness(mark: Bytes, picture: Bytes, place: Place, px: int) -> float:
    """Correlation of the steepness of the mark with that of the pixels under it, at this size."""
    share = px / max(mark.shape)
    width, height = (max(4, round(side * share)) for side in (mark.shape[1], mark.shape[0]))
    size, x, y = place
    step = size / share  # pixels of the picture for one of the piece
    matrix = np.array([[step, 0, x], [0, step, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    under = cv2.warpAffine(
        picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    own = cv2.resize(mark, (width, height), interpolation=cv2.INTER_AREA)
    a, b = (_steepness(gray) for gray in (own, under))
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-6))


def _steepness(gray: Bytes) -> Floats:
    soft = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), max(gray.shape) / 64)
    steep = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    return np.asarray(np.sqrt(steep), dtype=np.float32)
