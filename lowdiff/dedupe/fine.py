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

from lowdiff.dedupe.align import Alignment, refine
from lowdiff.dedupe.side import Gray, mean_of, overlap, warp

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
SAMPLES = 12_000
MOST_WEIGHT = 40.0


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


def look_closely(a: NDArray[np.uint8], b: NDArray[np.uint8], guess: Alignment) -> FineEvidence:
    """Compare two gray pictures under an alignment of theirs.

    Never fails: pictures that share nothing differ in everything.
    """
    if guess.scale < 1:  # the picture with more pixels is scaled down to the other
        a, b = b, a
        guess = Alignment(cv2.invertAffineTransform(guess.matrix), guess.inliers)
    one, other = a.astype(np.float32), b.astype(np.float32)
    if guess.scale > FINEST:
        other = cv2.GaussianBlur(other, (0, 0), 0.45 * guess.scale)
    share = min(1.0, REFINE_PX / float(np.sqrt(one.size)))
    matrix = refine(guess, one, np.asarray(other, np.float32), steps=8, share=share).matrix
    size = (one.shape[1], one.shape[0])
    inside = overlap(size, matrix, (other.shape[1], other.shape[0]))
    inside = cv2.erode(inside.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    if int(inside.sum()) < FEWEST_PX:
        return FineEvidence(1, 255, 0, 0, 1, 1, 1, -1, 1, 1, 0, 1, 0, 0)
    return _weigh(one, warp(np.asarray(other, np.float32), matrix, size), inside)


def _weigh(one: Gray, other: Gray, inside: NDArray[np.bool_]) -> FineEvidence:
    area = float(inside.sum())
    width = max(7, round(DIGIT * area**0.5)) | 1
    detail = [
        float(np.abs(cv2.Laplacian(side, cv2.CV_32F))[inside].mean()) for side in (one, other)
    ]
    if detail[0] > detail[1]:  # the sharper picture can be blurred to the other, not the reverse
        one, other = other, one
    explained = _explain(one, other, inside)
    edges = cv2.max(_slope(one), _slope(explained))
    residual = np.maximum(np.abs(one - explained) - SLACK_PX * edges, 0)
    residual[~inside] = 0
    windows = mean_of(residual, width)
    spread_a, spread_b, together = _spreads(one, explained, width)
    most = np.maximum(spread_a, spread_b)
    least = np.minimum(spread_a, spread_b)
    drawn = inside & (most > 6)
    if not drawn.any():
        drawn = inside
    at = np.unravel_index(int(windows.argmax()), windows.shape)
    peak = float(windows[at])
    usual, high = (float(x) for x in np.percentile(windows[drawn], (95, 99)))
    far = windows.copy()
    cv2.circle(far, (int(at[1]), int(at[0])), int(FAR * area**0.5), 0, -1)
    both = inside & (least > 8) & (least > 0.4 * most)
    doubt = np.where(both, 1 - together / (spread_a * spread_b + 12), 0).astype(np.float32)
    doubt *= np.minimum(most, MOST_WEIGHT) / MOST_WEIGHT
    worst = float(doubt.max())
    rest = float(np.percentile(doubt[both], 95)) if both.any() else 0.0
    total = float(one[inside].std()) + 1
    return FineEvidence(
        unexplained=float(np.sqrt((residual[inside] ** 2).mean())) / total,
        peak=peak,
        peak_over_rest=float(np.log((peak + 0.5) / (usual + 0.5))),
        peak_over_most=float(np.log((peak + 0.5) / (high + 0.5))),
        second_peak=float(far.max()) / (peak + 0.1),
        relative=peak / (float(most[at]) + 2),
        one_sided=float(least[at]) / (float(most[at]) + 1),
        agreement=float(together[at] / (spread_a[at] * spread_b[at] + 12)),
        blob=float((windows > 0.5 * peak).sum()) / area,
        worst=worst,
        worst_over_rest=float(np.log((worst + 0.02) / (rest + 0.02))),
        worst_blob=float((doubt > 0.6 * worst).sum()) / area,
        detail=float(np.log(area)),
        sharpness=abs(float(np.log((detail[0] + 1) / (detail[1] + 1)))),
    )


def _explain(one: Gray, other: Gray, inside: NDArray[np.bool_]) -> Gray:
    """The filter and tone curve of the other that come closest to the first, applied."""
    curved = [other, other * other * np.float32(1 / 255)]
    middle = inside.copy()
    middle[:REACH], middle[-REACH:], middle[:, :REACH], middle[:, -REACH:] = (False,) * 4
    rows, columns = np.nonzero(middle & (_slope(one) + _slope(other) > 6))
    if len(rows) < 200:
        rows, columns = np.nonzero(middle)
    step = max(1, len(rows) // SAMPLES)
    rows, columns = rows[::step], columns[::step]
    offsets = [(y, x) for y in range(-REACH, REACH + 1) for x in range(-REACH, REACH + 1)]
    parts = [other[rows + y, columns + x] for y, x in offsets]
    parts += [curved[1][rows, columns], np.ones(len(rows), np.float32)]
    table = np.stack(parts, 1).astype(np.float64)
    wanted = one[rows, columns].astype(np.float64)
    weights = np.ones(len(rows))
    answer: NDArray[np.float64] = np.zeros(table.shape[1])
    for _ in range(2):  # the second time what cannot be explained weighs little
        weighted = table * weights[:, None]
        square = weighted.T @ table + np.eye(table.shape[1]) * (3.0 * len(rows))
        # held towards the plain picture, so that flat regions cannot bend the filter
        prior = np.zeros(table.shape[1])
        prior[len(offsets) // 2] = 3.0 * len(rows)
        answer = np.asarray(np.linalg.solve(square, weighted.T @ wanted + prior), np.float64)
        errors = np.abs(table @ answer - wanted)
        weights = 1 / (1 + (errors / (2 * np.median(errors) + 1)) ** 2)
    kernel = answer[: len(offsets)].reshape(2 * REACH + 1, 2 * REACH + 1).astype(np.float32)
    filtered = cv2.filter2D(other, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    explained = filtered + np.float32(answer[-2]) * curved[1] + np.float32(answer[-1])
    return np.asarray(np.clip(explained, 0, 255), np.float32)


def _spreads(a: Gray, b: Gray, width: int) -> tuple[Gray, Gray, Gray]:
    """Standard deviations and the covariance in windows."""
    mean_a, mean_b = mean_of(a, width), mean_of(b, width)
    spread_a = np.sqrt(np.maximum(mean_of(a * a, width) - mean_a * mean_a, 0))
    spread_b = np.sqrt(np.maximum(mean_of(b * b, width) - mean_b * mean_b, 0))
    return spread_a, spread_b, mean_of(a * b, width) - mean_a * mean_b


def _slope(gray: Gray) -> Gray:
    """Steepest change over one pixel nearby, in levels."""
    ring = np.ones((3, 3), np.uint8)
    return np.asarray(
        (cv2.dilate(gray, ring) - cv2.erode(gray, ring)) * np.float32(0.5), np.float32
    )
