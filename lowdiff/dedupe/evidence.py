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

from lowdiff.dedupe.align import Alignment
from lowdiff.dedupe.side import Gray, Side, mean_of, overlap, warp
from lowdiff.dedupe.tones import compare_tones

FEWEST_PX = 120
"""Pictures that share fewer pixels cannot be compared."""
SHIFTS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
"""None, left, right, up, down; counted from a margin of one pixel."""
TEXTURE = 5.0
"""Standard deviation (of 255 levels) from which a window holds structure."""
STRONGEST = 40.0
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

    def vector(self) -> NDArray[np.float64]:
        """The numbers in the order of the fields."""
        return np.array([getattr(self, field.name) for field in fields(self)], np.float64)


def gather(a: Side, b: Side, alignment: Alignment) -> Evidence | None:
    """Compare where both pictures show something; None when they hardly overlap."""
    matrix = alignment.matrix
    if alignment.scale < 1:  # the picture with more pixels is scaled down to the other
        a, b, matrix = b, a, cv2.invertAffineTransform(matrix)
    scale = max(alignment.scale, 1 / alignment.scale)
    inside = overlap(a.size, matrix, b.size)
    inside = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if int(inside.sum()) < FEWEST_PX:
        return None
    # a white ground that both share says nothing of their colours
    drawn = inside & (np.maximum(a.drawn, warp(b.drawn, matrix, a.size)) > 0.5)
    area = max(FEWEST_PX, int(drawn.sum()))
    blurred = cv2.GaussianBlur(b.gray, (0, 0), 0.45 * scale) if scale > 1.25 else b.gray
    other = warp(blurred, matrix, a.size)
    similarity, mine, theirs = structure_of(a.gray, other, inside)
    most = np.maximum(mine, theirs)
    weight = np.where(inside & (most > TEXTURE), np.minimum(most, STRONGEST), 0)
    total = float(weight.sum()) + 1e-6
    speaks = weight > 0
    least = np.minimum(mine, theirs)
    bad = speaks & (similarity < DIFFERENT)
    both = bad & (least >= ONE_SIDED * most)
    alone = bad & ~both
    doubt = mean_of(np.where(least >= ONE_SIDED * most, weight * (1 - similarity), 0))
    peak, usual = np.percentile(doubt[speaks], (99.5, 80)) if speaks.any() else (0.0, 0.0)
    only = sorted(
        float(weight[alone & side].sum()) / total for side in (mine > theirs, mine <= theirs)
    )
    back = overlap(b.size, cv2.invertAffineTransform(matrix), a.size)
    outside = sorted(_outside(side.contrast, seen) for side, seen in ((a, inside), (b, back)))
    tones = compare_tones(
        a.lab[::2, ::2],
        warp(b.lab, matrix, a.size)[::2, ::2],
        (drawn if drawn.sum() >= FEWEST_PX else inside)[::2, ::2],
    )
    return Evidence(
        mean_similarity=float((weight * similarity).sum()) / total if speaks.any() else 1.0,
        low_similarity=float(np.percentile(similarity[speaks], 3)) if speaks.any() else 1.0,
        conflict=float(weight[both].sum()) / total,
        largest_conflict=_largest(both) / area,
        peak=float(peak),
        peak_over_rest=float(np.log((peak + 0.5) / (usual + 0.5))),
        alone_least=only[0],
        alone_most=only[1],
        largest_alone=_largest(alone) / area,
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
        area_least=min(float(inside.mean()), float(back.mean())),
        structure=float(np.log1p(speaks.sum())),
        inliers=float(np.log1p(alignment.inliers)),
        gain=tones.gain,
        saturation=tones.saturation,
        tint=tones.tint,
        unchanged=tones.unchanged,
        changed_by=tones.changed_by,
    )


def structure_of(a: Gray, b: Gray, inside: NDArray[np.bool_]) -> tuple[Gray, Gray, Gray]:
    """Similarity, contrast of A, and contrast of B at A's overall contrast."""
    spread_a, spread_b = float(a[inside].std()) + 1.0, float(b[inside].std()) + 1.0
    b = b * np.float32(np.clip(spread_a / spread_b, 0.5, 2.0))
    height, width = a.shape
    b = cv2.copyMakeBorder(b, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    mean_a, mean_b = mean_of(a), mean_of(b)
    variance_a = np.maximum(mean_of(a * a) - mean_a * mean_a, 0)
    variance_b = np.maximum(mean_of(b * b) - mean_b * mean_b, 0)
    best = np.full(a.shape, -1, np.float32)
    for dx, dy in SHIFTS:
        part = np.s_[dy : dy + height, dx : dx + width]
        shared = mean_of(a * b[part]) - mean_a * mean_b[part]
        fit = (2 * shared + NOISE_VARIANCE) / (variance_a + variance_b[part] + NOISE_VARIANCE)
        np.maximum(best, fit, out=best)
    np.minimum(best, 1, out=best)
    variance_b = variance_b[1:-1, 1:-1]
    return best, np.sqrt(variance_a), np.sqrt(variance_b)


def _outside(contrast: Gray, seen: NDArray[np.bool_]) -> float:
    strong = np.where(contrast > TEXTURE, np.minimum(contrast, STRONGEST), 0)
    total = float(strong.sum())
    return float(strong[~seen].sum()) / total if total else float(1 - seen.mean())


def _largest(mask: NDArray[np.bool_]) -> int:
    if not mask.any():
        return 0
    _n, _labels, stats, _centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return int(stats[1:, cv2.CC_STAT_AREA].max())
