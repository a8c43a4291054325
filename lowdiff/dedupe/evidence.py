"""What two aligned pictures say about each other: where they agree, differ, or only one speaks.

Structure is compared window by window with the contrast and structure terms of SSIM (Wang et
al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity"), each
window at the best of five shifts by at most one pixel. Windows without structure in either
picture say nothing: content is compared, not ground.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment, seen_mask
from lowdiff.dedupe.side import (
    STRONGEST,
    TEXTURE,
    WINDOW_PX,
    Gray,
    Side,
    mean_of,
    variance_of,
    warp,
)
from lowdiff.dedupe.tones import compare_tones

FEWEST_PX = 120
"""Pictures that share fewer pixels cannot be compared."""
SHIFTS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
"""None, left, right, up, down; counted from a margin of one pixel."""
NOISE_VARIANCE = 30.0
DIFFERENT = 0.5
"""Similarity of a window (1 is equal) below which its pictures differ."""
ONE_SIDED = 0.35
"""A window is one picture's alone when the other's contrast is below this share of it."""


@dataclass(frozen=True)
class Evidence:
    """Shares lie in [0, 1]; "least" and "most" are over the two pictures."""

    mean_similarity: float
    """Of structure, weighted by contrast, where the pictures overlap."""
    low_similarity: float
    """The 3rd percentile of it."""
    conflict: float
    """Share of structure where both speak and contradict each other."""
    largest_conflict: float
    """Area of the largest connected conflict, as share of what is drawn in the overlap."""
    peak: float
    """The strongest contradiction in any one place, in levels of contrast."""
    peak_over_rest: float
    """The same over what is usual in this pair: an edited price in an otherwise equal picture."""
    alone_least: float
    """Share of structure that only one picture has: the one with less of it."""
    alone_most: float
    largest_alone: float
    colour_apart: float
    """Share of what is drawn whose colour differs after fitting saturation and tint."""
    lightness_apart: float
    """Share of what is drawn whose lightness differs after fitting gain and offset."""
    colour_shift: float
    """Mean distance of colours before any fit."""
    gray: float
    """1 when one of the pictures has no colour at all and the other has."""
    colour_peak: float
    """The largest difference of colours in any one place, in CIELAB, after the fit."""
    colour_peak_over_rest: float
    """The same over what is usual in this pair, as a logarithm."""
    lightness_peak: float
    """As with colours: finds other digits that a window of structure is too coarse for."""
    lightness_peak_over_rest: float
    outside_least: float
    """Share of a picture's structure outside the overlap: the one with less of it."""
    outside_most: float
    area_least: float
    """Share of a picture's area inside the overlap: the one with less of it."""
    structure: float
    """Logarithm of the area with structure in the overlap, in pixels."""
    inliers: float
    """Logarithm of 1 + the corners that agree."""
    gain: float
    """How far the lightness had to be fitted, as an absolute logarithm; so with saturation."""
    saturation: float
    tint: float
    unchanged: float
    """Share of what is drawn whose colour is equal without any fit."""
    changed_by: float
    """What the colours that differ most (the 90th percentile) differ by, without any fit."""
    turned: float
    """1 when one had to be turned or mirrored: a mirrored arrow is another sign."""

    def vector(self) -> NDArray[np.float64]:
        """The numbers in the order of the fields."""
        return np.array([getattr(self, field.name) for field in fields(self)], np.float64)


def gather(a: Side, b: Side, alignment: Alignment, *, turned: bool = False) -> Evidence | None:
    """Compare where both pictures show something; None when they hardly overlap."""
    matrix = alignment.matrix
    if alignment.scale < 1:  # the picture with more pixels is scaled down to the other
        a, b, matrix = b, a, cv2.invertAffineTransform(matrix)
    scale = Alignment(matrix, 0).scale
    mask = seen_mask(a.size, matrix, b.size)
    if cv2.countNonZero(mask) < FEWEST_PX:
        return None
    # a white ground that both share says nothing of their colours
    drawn = cv2.bitwise_and(cv2.max(a.drawn, warp(b.drawn, matrix, a.size)), mask)
    area = max(FEWEST_PX, cv2.countNonZero(drawn))
    blurred = cv2.GaussianBlur(b.gray, (0, 0), 0.45 * scale) if scale > 1.25 else b.gray
    other = warp(np.asarray(blurred, np.float32), matrix, a.size)
    seen = _structure(a, other, mask)
    back = seen_mask(b.size, cv2.invertAffineTransform(matrix), a.size)
    outside = sorted(_outside(side, shown) for side, shown in ((a, mask), (b, back)))
    halves = matrix @ np.diag((2.0, 2.0, 1.0))
    where = drawn if cv2.countNonZero(drawn) >= FEWEST_PX else mask
    half = np.ascontiguousarray(a.lab[::2, ::2])
    tones = compare_tones(
        half, warp(b.lab, halves, (half.shape[1], half.shape[0])), where[::2, ::2] > 0
    )
    return Evidence(
        mean_similarity=seen.mean,
        low_similarity=seen.low,
        conflict=seen.conflict,
        largest_conflict=seen.largest_conflict / area,
        peak=seen.peak,
        peak_over_rest=float(np.log((seen.peak + 0.5) / (seen.usual + 0.5))),
        alone_least=seen.alone[0],
        alone_most=seen.alone[1],
        largest_alone=seen.largest_alone / area,
        colour_apart=tones.colour_apart,
        lightness_apart=tones.lightness_apart,
        colour_shift=tones.shift,
        gray=tones.gray,
        colour_peak=tones.colour_peaks[0],
        colour_peak_over_rest=tones.colour_peaks[1],
        lightness_peak=tones.lightness_peaks[0],
        lightness_peak_over_rest=tones.lightness_peaks[1],
        outside_least=outside[0],
        outside_most=outside[1],
        area_least=min(cv2.countNonZero(shown) / shown.size for shown in (mask, back)),
        structure=float(np.log1p(seen.area)),
        inliers=float(np.log1p(alignment.inliers)),
        gain=tones.gain,
        saturation=tones.saturation,
        tint=tones.tint,
        unchanged=tones.unchanged,
        changed_by=tones.changed_by,
        turned=float(turned),
    )


@dataclass(frozen=True)
class _Structure:
    """Shares are of the weight of structure, areas are in pixels; see `Evidence`."""

    mean: float
    low: float
    conflict: float
    largest_conflict: int
    peak: float
    usual: float
    alone: tuple[float, float]
    largest_alone: int
    area: int


def _structure(a: Side, other: Gray, mask: NDArray[np.uint8]) -> _Structure:
    similarity, mine, theirs = structure_of(a, other, mask)
    most, least = np.maximum(mine, theirs), np.minimum(mine, theirs)
    speaks = (mask > 0) & (most > TEXTURE)
    area = int(np.count_nonzero(speaks))
    if not area:
        return _Structure(1.0, 1.0, 0.0, 0, 0.0, 0.0, (0.0, 0.0), 0, 0)
    weight = np.minimum(most, np.float32(STRONGEST))
    weight[~speaks] = 0
    total = float(weight.sum()) + 1e-6
    together = least >= ONE_SIDED * most
    bad = speaks & (similarity < DIFFERENT)
    both, alone = bad & together, bad & ~together
    doubt = weight * (1 - similarity)
    mean = 1 - float(doubt.sum()) / total
    doubt[~together] = 0
    # windows are wide: every second pixel of every second row tells the same
    some = speaks[::2, ::2]
    at = some if some.any() else np.ones_like(some)
    peak, usual = np.percentile(mean_of(doubt)[::2, ::2][at], (99.5, 80))
    only = float(weight[alone & (mine > theirs)].sum()) / total
    rest = float(weight[alone].sum()) / total - only
    return _Structure(
        mean=mean,
        low=float(np.percentile(similarity[::2, ::2][at], 3)),
        conflict=float(weight[both].sum()) / total,
        largest_conflict=_largest(both),
        peak=float(peak),
        usual=float(usual),
        alone=(min(only, rest), max(only, rest)),
        largest_alone=_largest(alone),
        area=area,
    )


def structure_of(a: Side, b: Gray, mask: NDArray[np.uint8]) -> tuple[Gray, Gray, Gray]:
    """Similarity, contrast of A, and contrast of B at A's overall contrast."""
    spread_a, spread_b = (
        float(cv2.meanStdDev(gray, mask=mask)[1][0, 0]) + 1.0 for gray in (a.gray, b)
    )
    b = b * np.float32(min(max(spread_a / spread_b, 0.5), 2.0))
    height, width = a.gray.shape
    b = np.asarray(cv2.copyMakeBorder(b, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.float32)
    mean_a, mean_b = mean_of(a.gray), mean_of(b)
    variance_b = variance_of(b, mean_b)
    noisy = a.variance + np.float32(NOISE_VARIANCE)
    similarity = np.full(a.gray.shape, -1, np.float32)
    for dx, dy in SHIFTS:
        part = np.s_[dy : dy + height, dx : dx + width]
        shared = cv2.boxFilter(cv2.multiply(a.gray, b[part]), -1, (WINDOW_PX, WINDOW_PX))
        shared = cv2.subtract(shared, cv2.multiply(mean_a, mean_b[part]))
        fit = cv2.divide(
            cv2.addWeighted(shared, 2.0, shared, 0.0, NOISE_VARIANCE),
            cv2.add(noisy, variance_b[part]),
        )
        cv2.max(similarity, fit, dst=similarity)
    np.minimum(similarity, 1, out=similarity)
    return similarity, np.sqrt(a.variance), np.sqrt(variance_b[1:-1, 1:-1])


def _outside(side: Side, shown: NDArray[np.uint8]) -> float:
    total = cv2.mean(side.strength)[0] * side.strength.size
    if not total:
        return 1 - cv2.countNonZero(shown) / shown.size
    inside = cv2.mean(side.strength, mask=shown)[0] * cv2.countNonZero(shown)
    return float(max(0.0, 1 - inside / total))


def _largest(mask: NDArray[np.bool_]) -> int:
    """Pixels of the largest connected part, counted on a grid half as fine."""
    if not mask.any():
        return 0
    grid = mask[::2, ::2].astype(np.uint8)
    _n, _labels, stats, _centres = cv2.connectedComponentsWithStats(grid)
    return 4 * int(stats[1:, cv2.CC_STAT_AREA].max(initial=0))
