"""A second, finer look at two pictures that seem to be one: is it another price, another word?

The gray pictures are laid on each other precisely. Then one is explained by the other as far as
copying explains it: by a small linear filter (blur, sharpening, a shift by part of a pixel) and a
tone curve, fitted by least squares. What no copying explains is weighed in windows as large as a
digit: how strong is it at its strongest place, and how strong is it usually in this pair?
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment, refine, seen_mask
from lowdiff.dedupe.side import Gray, mean_of, warp

Bytes = NDArray[np.uint8]

FEWEST_PX = 400
FINEST = 1.25
"""A picture with more pixels for each of the other's is smoothed before it is scaled down."""
REFINE_PX = 200
"""Side of the square whose area refinement works at."""
DIGIT = 0.022
"""Side of a window, as share of the root of the compared area."""
REACH = 2
"""The filter spans this many pixels to each side."""
SLACK_PX = 0.4
"""Edges may lie this far from where they should without being held against a pair."""
FAR = 0.12
"""A second peak must be this share of the root of the area away from the first."""
SAMPLES = 6_000
MOST_WEIGHT = 40.0
_CURVE = np.arange(256) ** 2 / 255
"""What bends a tone curve."""


@dataclass(frozen=True)
class FineEvidence:
    """Residuals are in gray levels (of 255), ratios are natural logarithms."""

    unexplained: float
    """Root mean square of what copying does not explain, as share of the contrast."""
    peak: float
    """The strongest window's mean residual."""
    peak_over_rest: float
    """The same over the 95th percentile of the windows in which something is drawn."""
    peak_over_most: float
    """The same over the 99th percentile."""
    second_peak: float
    """The strongest window far from the first, as share of it: noise has many, a price has one."""
    relative: float
    """Residual at the strongest window as share of the contrast there."""
    one_sided: float
    """The weaker contrast there as share of the stronger: a stamp on plain ground has little."""
    agreement: float
    """Correlation of the pictures at the strongest window."""
    blob: float
    """Area around the strongest window in which half its strength is reached, as share."""
    worst: float
    """The most dissimilar window, one minus its correlation, where both have contrast."""
    worst_over_rest: float
    """The same over the 95th percentile."""
    worst_blob: float
    """Share of the windows nearly as dissimilar as the worst."""
    detail: float
    """Logarithm of the pixels that were compared."""
    sharpness: float
    """How much less detail one picture has, as a logarithm."""

    def vector(self) -> NDArray[np.float64]:
        """The numbers in the order of the fields."""
        return np.array([getattr(self, field.name) for field in fields(self)], np.float64)


def look_closely(a: Bytes, b: Bytes, guess: Alignment) -> FineEvidence:
    """Compare two gray pictures under an alignment of theirs.

    Never fails: pictures that share nothing differ in everything.
    """
    if guess.scale < 1:  # the picture with more pixels is scaled down to the other
        a, b = b, a
        guess = Alignment(cv2.invertAffineTransform(guess.matrix), guess.inliers)
    if guess.scale > FINEST:
        b = np.asarray(cv2.GaussianBlur(b, (0, 0), 0.45 * guess.scale), np.uint8)
    share = min(1.0, REFINE_PX / float(np.sqrt(a.size)))
    matrix = refine(guess, a, b, share=share).matrix
    size = (a.shape[1], a.shape[0])
    mask = seen_mask(size, matrix, (b.shape[1], b.shape[0]))
    mask = np.asarray(cv2.erode(mask, np.ones((7, 7), np.uint8)), np.uint8)
    if cv2.countNonZero(mask) < FEWEST_PX:
        return FineEvidence(1, 255, 0, 0, 1, 1, 1, -1, 1, 1, 0, 1, 0, 0)
    return _weigh(a, warp(b, matrix, size), mask)


def _weigh(one: Bytes, other: Bytes, mask: Bytes) -> FineEvidence:
    area = cv2.countNonZero(mask)
    detail = [
        cv2.norm(cv2.Laplacian(side, cv2.CV_16S), cv2.NORM_L1, mask) / area for side in (one, other)
    ]
    if detail[0] > detail[1]:  # the sharper picture can be blurred to the other, not the reverse
        one, other = other, one
    levels = one.astype(np.float32)
    explained = _explain(one, other, mask)
    residual = _residual(one, levels, explained, mask)
    # windows are wide: they are moved by two pixels at a time
    half = (max(1, one.shape[1] // 2), max(1, one.shape[0] // 2))
    inside = cv2.resize(mask, half, interpolation=cv2.INTER_NEAREST) > 0
    side = DIGIT * area**0.5 / 2
    width = max(3, 2 * round((side - 1) / 2) + 1)
    windows = mean_of(_halved(residual, half), width)
    spread_a, spread_b, together = _spreads(levels, explained, half, width)
    most = np.maximum(spread_a, spread_b)
    least = np.minimum(spread_a, spread_b)
    drawn = inside & (most > 6)
    if not drawn.any():
        drawn = inside if inside.any() else np.ones_like(inside)
    at = np.unravel_index(int(windows.argmax()), windows.shape)
    peak = float(windows[at])
    usual, high = (float(x) for x in np.percentile(windows[drawn], (95, 99)))
    far = windows.copy()
    cv2.circle(far, (int(at[1]), int(at[0])), int(FAR * area**0.5 / 2), 0, -1)
    both = inside & (least > 8) & (least > 0.4 * most)
    doubt = np.where(both, 1 - together / (spread_a * spread_b + 12), 0).astype(np.float32)
    doubt *= np.minimum(most, MOST_WEIGHT) / MOST_WEIGHT
    worst = float(doubt.max())
    rest = float(np.percentile(doubt[both], 95)) if both.any() else 0.0
    total = float(cv2.meanStdDev(one, mask=mask)[1][0, 0]) + 1
    return FineEvidence(
        unexplained=(cv2.norm(residual, cv2.NORM_L2SQR) / area) ** 0.5 / total,
        peak=peak,
        peak_over_rest=float(np.log((peak + 0.5) / (usual + 0.5))),
        peak_over_most=float(np.log((peak + 0.5) / (high + 0.5))),
        second_peak=float(far.max()) / (peak + 0.1),
        relative=peak / (float(most[at]) + 2),
        one_sided=float(least[at]) / (float(most[at]) + 1),
        agreement=float(together[at] / (spread_a[at] * spread_b[at] + 12)),
        blob=4 * float((windows > 0.5 * peak).sum()) / area,
        worst=worst,
        worst_over_rest=float(np.log((worst + 0.02) / (rest + 0.02))),
        worst_blob=4 * float((doubt > 0.6 * worst).sum()) / area,
        detail=float(np.log(area)),
        sharpness=abs(float(np.log((detail[0] + 1) / (detail[1] + 1)))),
    )


def _explain(one: Bytes, other: Bytes, mask: Bytes) -> Gray:
    """The filter and tone curve of the other that come closest to the first, applied."""
    rows, columns = _samples(one, other, mask)
    wide = 2 * REACH + 1
    patches = np.lib.stride_tricks.sliding_window_view(other, (wide, wide))
    table = np.empty((len(rows), wide * wide + 2))
    table[:, :-2] = patches[rows - REACH, columns - REACH].reshape(len(rows), -1)
    table[:, -2] = _CURVE[other[rows, columns]]
    table[:, -1] = 1
    wanted = one[rows, columns].astype(np.float64)
    weights = np.ones(len(rows))
    # held towards the plain picture, so that flat regions cannot bend the filter
    prior = np.zeros(table.shape[1])
    prior[wide * wide // 2] = 3.0 * len(rows)
    answer: NDArray[np.float64] = np.zeros(table.shape[1])
    for _ in range(2):  # the second time what cannot be explained weighs little
        weighted = table * weights[:, None]
        square = weighted.T @ table + np.eye(table.shape[1]) * (3.0 * len(rows))
        answer = np.asarray(np.linalg.solve(square, weighted.T @ wanted + prior), np.float64)
        errors = np.abs(table @ answer - wanted)
        weights = 1 / (1 + (errors / (2 * np.median(errors) + 1)) ** 2)
    kernel = answer[:-2].reshape(wide, wide).astype(np.float32)
    levels = other.astype(np.float32)
    filtered = cv2.filter2D(levels, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    curve = (answer[-2] * _CURVE + answer[-1]).astype(np.float32)
    explained = np.asarray(cv2.add(filtered, cv2.LUT(other, curve)), np.float32)
    return np.clip(explained, 0, 255, out=explained)


def _samples(one: Bytes, other: Bytes, mask: Bytes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of pixels on edges, or of any where there are few edges."""
    middle = np.zeros_like(mask)
    inner = np.s_[REACH:-REACH, REACH:-REACH]
    middle[inner] = mask[inner]
    edges = cv2.add(_slope(one), _slope(other))
    found = np.flatnonzero(cv2.bitwise_and(cv2.compare(edges, 12, cv2.CMP_GT), middle))
    if len(found) < 200:
        found = np.flatnonzero(middle)
    rows, columns = np.divmod(found[:: max(1, len(found) // SAMPLES)], mask.shape[1])
    return rows, columns


def _residual(one: Bytes, levels: Gray, explained: Gray, mask: Bytes) -> Gray:
    """What is left in gray levels, less what edges that lie a little off leave; 0 outside."""
    edges = cv2.max(_slope(one), _slope(np.asarray(cv2.convertScaleAbs(explained), np.uint8)))
    left = np.asarray(
        cv2.addWeighted(
            cv2.absdiff(levels, explained), 1.0, edges.astype(np.float32), -SLACK_PX / 2, 0
        ),
        np.float32,
    )
    np.maximum(left, 0, out=left)
    left[mask == 0] = 0
    return left


def _spreads(a: Gray, b: Gray, half: tuple[int, int], width: int) -> tuple[Gray, Gray, Gray]:
    """Standard deviations and the covariance in windows."""
    pairs = ((a, a), (b, b), (a, b))
    mean_a, mean_b = (mean_of(_halved(side, half), width) for side in (a, b))
    squares = [
        mean_of(_halved(np.asarray(cv2.multiply(*pair), np.float32), half), width) for pair in pairs
    ]
    spread_a = np.sqrt(np.maximum(squares[0] - mean_a * mean_a, 0))
    spread_b = np.sqrt(np.maximum(squares[1] - mean_b * mean_b, 0))
    return spread_a, spread_b, squares[2] - mean_a * mean_b


def _halved(picture: Gray, half: tuple[int, int]) -> Gray:
    return np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), np.float32)


def _slope(gray: Bytes) -> Bytes:
    """Steepest change over two pixels nearby, in levels."""
    ring = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.subtract(cv2.dilate(gray, ring), cv2.erode(gray, ring)), np.uint8)
