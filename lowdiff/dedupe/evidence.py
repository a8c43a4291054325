"""What two aligned pictures say about each other: where they agree, differ, or only one speaks.

Structure is compared window by window with the contrast and structure terms of SSIM (Wang et
al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity"), each
window at the best of five shifts by at most one pixel. Windows without structure in either
picture say nothing: content is compared, not ground.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment
from lowdiff.dedupe.trim import content_box, off_ground

FEWEST_PX = 120
"""Pictures that share fewer pixels cannot be compared."""
TILE = 32
SKETCH = 0.25
WINDOW_PX = 7
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
COLOUR_APART = 11.0
"""Distance in (a, b) of CIELAB above which two colours differ."""
LIGHTNESS_APART = 24.0
GRAY_BELOW = 4.0
"""Chroma (CIELAB) that a gray picture reaches at most, after lossy packing."""

Gray = NDArray[np.float32]


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

    def vector(self) -> NDArray[np.float64]:
        """The numbers in the order of the fields."""
        return np.array([getattr(self, field.name) for field in fields(self)], np.float64)


class Side:
    """One picture with what is computed from it alone."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self.rgb = rgb
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self.gray: Gray = cv2.GaussianBlur(gray, (0, 0), 0.8)
        self.lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(
            np.float32
        )
        self.contrast: Gray = np.sqrt(_variance(self.gray))

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
    def sketch(self) -> Gray:
        """A quarter of the size without its ground: to choose between alignments quickly."""
        small = cv2.resize(self.gray, None, fx=SKETCH, fy=SKETCH, interpolation=cv2.INTER_AREA)
        return np.asarray(small - cv2.blur(small, (9, 9)), np.float32)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]


def gather(a: Side, b: Side, alignment: Alignment) -> Evidence | None:
    """Compare where both pictures show something; None when they hardly overlap."""
    matrix = alignment.matrix
    if alignment.scale < 1:  # the picture with more pixels is scaled down to the other
        a, b, matrix = b, a, cv2.invertAffineTransform(matrix)
    scale = max(alignment.scale, 1 / alignment.scale)
    inside = _warp(np.ones(b.gray.shape, np.float32), matrix, a.size) > 0.99
    inside = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if int(inside.sum()) < FEWEST_PX:
        return None
    # a white ground that both share says nothing of their colours
    drawn = inside & (np.maximum(a.drawn, _warp(b.drawn, matrix, a.size)) > 0.5)
    area = max(FEWEST_PX, int(drawn.sum()))
    blurred = cv2.GaussianBlur(b.gray, (0, 0), 0.45 * scale) if scale > 1.25 else b.gray
    other = _warp(blurred, matrix, a.size)
    similarity, mine, theirs = _structure(a.gray, other, inside)
    most = np.maximum(mine, theirs)
    weight = np.where(inside & (most > TEXTURE), np.minimum(most, STRONGEST), 0)
    total = float(weight.sum()) + 1e-6
    speaks = weight > 0
    least = np.minimum(mine, theirs)
    bad = speaks & (similarity < DIFFERENT)
    both = bad & (least >= ONE_SIDED * most)
    alone = bad & ~both
    doubt = _mean(np.where(least >= ONE_SIDED * most, weight * (1 - similarity), 0))
    peak, usual = np.percentile(doubt[speaks], (99.5, 80)) if speaks.any() else (0.0, 0.0)
    only = sorted(
        float(weight[alone & side].sum()) / total for side in (mine > theirs, mine <= theirs)
    )
    back = _warp(np.ones(a.gray.shape, np.float32), cv2.invertAffineTransform(matrix), b.size) > 0.5
    outside = sorted(_outside(side.contrast, seen) for side, seen in ((a, inside), (b, back)))
    tones = _compare_tones(
        a.lab[::2, ::2],
        _warp(b.lab, matrix, a.size)[::2, ::2],
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
    )


def quick_fit(a: Side, b: Side, alignment: Alignment) -> float:
    """Correlation of the sketches where they overlap, less what does not overlap."""
    matrix = alignment.matrix.copy()
    centre = 0.5 * SKETCH - 0.5  # pixel centres move when a picture is made smaller
    matrix[:, 2] = SKETCH * (matrix[:, 2] - matrix[:, :2] @ np.full(2, centre / SKETCH)) + centre
    if alignment.scale < 1:
        a, b, matrix = b, a, cv2.invertAffineTransform(matrix)
    size = (a.sketch.shape[1], a.sketch.shape[0])
    other = _warp(b.sketch, matrix, size)
    inside = _warp(np.ones(b.sketch.shape, np.float32), matrix, size) > 0.9
    if inside.sum() < 12:
        return -1.0
    mine, theirs = a.sketch[inside], other[inside]
    spread = float(mine.std() * theirs.std()) + 1.0
    fit = float((mine * theirs).mean() - mine.mean() * theirs.mean()) / spread
    return fit - 0.15 * (1 - float(inside.mean()))


def _structure(a: Gray, b: Gray, inside: NDArray[np.bool_]) -> tuple[Gray, Gray, Gray]:
    """Similarity, contrast of A, and contrast of B at A's overall contrast."""
    spread_a, spread_b = float(a[inside].std()) + 1.0, float(b[inside].std()) + 1.0
    b = b * np.float32(np.clip(spread_a / spread_b, 0.5, 2.0))
    height, width = a.shape
    b = cv2.copyMakeBorder(b, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    mean_a, mean_b = _mean(a), _mean(b)
    variance_a = np.maximum(_mean(a * a) - mean_a * mean_a, 0)
    variance_b = np.maximum(_mean(b * b) - mean_b * mean_b, 0)
    best = np.full(a.shape, -1, np.float32)
    for dx, dy in SHIFTS:
        part = np.s_[dy : dy + height, dx : dx + width]
        shared = _mean(a * b[part]) - mean_a * mean_b[part]
        fit = (2 * shared + NOISE_VARIANCE) / (variance_a + variance_b[part] + NOISE_VARIANCE)
        np.maximum(best, fit, out=best)
    np.minimum(best, 1, out=best)
    variance_b = variance_b[1:-1, 1:-1]
    return best, np.sqrt(variance_a), np.sqrt(variance_b)


@dataclass(frozen=True)
class _Tones:
    colour_apart: float
    lightness_apart: float
    shift: float
    gray: float
    colour_peaks: tuple[float, float]
    lightness_peaks: tuple[float, float]


def _compare_tones(
    a: NDArray[np.float32], b: NDArray[np.float32], inside: NDArray[np.bool_]
) -> _Tones:
    mine, theirs = a[inside], b[inside]
    shift = float(_length(mine[:, 1:] - theirs[:, 1:]).mean())
    # a gray copy has no colour anywhere; silver beside gold has a little
    chroma = [float(np.percentile(_length(side[:, 1:] - 128), 99)) for side in (mine, theirs)]
    gray = min(chroma) < GRAY_BELOW and max(chroma) > 2 * GRAY_BELOW
    gain, offset = _line(theirs[:, 0], mine[:, 0], 0.6, 1.7, 60)
    lightness = np.abs(mine[:, 0] - gain * theirs[:, 0] - offset)
    if gray:
        colour = np.zeros_like(lightness)
    else:
        x, y = theirs[:, 1:] - 128, mine[:, 1:] - 128
        saturation = float((x * y).sum() / ((x * x).sum() + 1e-6))
        saturation = min(max(saturation, 0.5), 2.0)
        tint = np.clip((y - saturation * x).mean(0), -9, 9)
        colour = _length(y - saturation * x - tint)
    return _Tones(
        float((colour > COLOUR_APART).mean()),
        float((lightness > LIGHTNESS_APART).mean()),
        shift,
        float(gray),
        _peaks(colour, inside),
        _peaks(lightness, inside),
    )


def _peaks(values: NDArray[np.float32], inside: NDArray[np.bool_]) -> tuple[float, float]:
    """The largest local mean, and the logarithm of its ratio to the 90th percentile."""
    spread = np.zeros(inside.shape, np.float32)
    spread[inside] = values
    local = cv2.blur(spread, (3, 3))[inside]
    peak, usual = np.percentile(local, (99.8, 90))
    return float(peak), float(np.log((peak + 1) / (usual + 1)))


def _length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.hypot(vectors[:, 0], vectors[:, 1]), np.float32)


def _line(
    x: NDArray[np.float32], y: NDArray[np.float32], lowest: float, highest: float, most: float
) -> tuple[float, float]:
    """Least squares y = gain * x + offset within bounds."""
    mean_x, mean_y = float(x.mean()), float(y.mean())
    variance = float(((x - mean_x) ** 2).mean())
    gain = float(((x - mean_x) * (y - mean_y)).mean()) / (variance + 1e-6) if variance > 4 else 1.0
    gain = min(max(gain, lowest), highest)
    return gain, min(max(mean_y - gain * mean_x, -most), most)


def _outside(contrast: Gray, seen: NDArray[np.bool_]) -> float:
    strong = np.where(contrast > TEXTURE, np.minimum(contrast, STRONGEST), 0)
    total = float(strong.sum())
    return float(strong[~seen].sum()) / total if total else float(1 - seen.mean())


def _largest(mask: NDArray[np.bool_]) -> int:
    if not mask.any():
        return 0
    _n, _labels, stats, _centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return int(stats[1:, cv2.CC_STAT_AREA].max())


def _mean(gray: Gray) -> Gray:
    return np.asarray(cv2.boxFilter(gray, -1, (WINDOW_PX, WINDOW_PX)), np.float32)


def _variance(gray: Gray) -> Gray:
    mean = _mean(gray)
    return np.asarray(np.maximum(_mean(gray * gray) - mean * mean, 0), np.float32)


def _warp(
    picture: NDArray[np.float32], matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float32]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=flags), np.float32)
