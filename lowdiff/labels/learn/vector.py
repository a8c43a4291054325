"""An image as one vector: colours, gradients, texture, sharpness; pixels in, numbers out.

Nothing here is learned and nothing is downloaded. Every part is bounded or logarithmic, so that a
linear head can use it after standardising.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.learn.sharp import STEEP, gradient, middle_piece, shares_between, sharpness
from lowdiff.labels.measure.colour import oklab

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of the sides."""

SMALL_PX = 128
"""Longest side at which shapes and colours are looked at."""
TEXTURE_PX = 256
"""Longest side at which texture is looked at."""
FIGURE_PX = 160
"""Longest side at which the main figure is looked at."""
LEAST_PX = 16
COARSE = 7
"""Cells across and down at which the main figure is seen from afar."""
CELLS = 4
ORIENTATIONS = 8
LIGHTNESSES, CHROMAS = 4, 6
"""Bins of the joint histogram in L, and in a and b each."""
LARGEST_CHROMA = 0.3
ROUGH = (0.002, 0.006, 0.015, 0.03, 0.06, 0.12)
"""Bounds of standard deviations of lightness in small windows."""
MIDDLE = 0.2
"""Share of each side that is cut off to look at the middle alone."""


def vector_of(
    rgba: Bytes,
    *,
    figure: Box | None = None,
    quantization: float = 0.0,
    bytes_per_pixel: float = 0.0,
) -> Floats:
    """The vector of an image; always of the same length.

    Args:
        rgba: pixels (h, w, 4) at full resolution.
        figure: where its main figure is; None: nobody knows, or there is none.
        quantization: mean of a JPEG's table for lightness; 0 for other formats.
        bytes_per_pixel: of the file.
    """
    small, texture = _shrunk(rgba, SMALL_PX), _shrunk(rgba, TEXTURE_PX)
    lab, clear = _lab_over_grey(small), small[..., 3] < 128
    parts = [
        _shape(rgba, small),
        _colours(lab, clear),
        _palette(small),
        _grid(lab, small),
        _orientations(lab[..., 0]),
        _textures(texture),
        _figure(rgba, figure),
        sharpness(middle_piece(rgba)),
        np.array([np.log1p(quantization), np.log1p(8 * bytes_per_pixel)], dtype=np.float32),
    ]
    return np.nan_to_num(np.concatenate(parts).astype(np.float32), posinf=0, neginf=0)


def _shrunk(rgba: Bytes, px: int) -> Bytes:
    """Not longer than `px`, and not narrower than LEAST_PX: then it is stretched."""
    height, width = rgba.shape[:2]
    share = min(1.0, px / max(height, width))
    size = (max(LEAST_PX, round(width * share)), max(LEAST_PX, round(height * share)))
    if size == (width, height):
        return rgba
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(rgba, size, interpolation=way), dtype=np.uint8)


def _lab_over_grey(rgba: Bytes) -> Floats:
    """OKLab (h, w, 3), transparent pixels as if over a middle grey."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    flat = rgba[..., :3] * alpha + 160 * (1 - alpha)
    return oklab(np.round(flat).astype(np.uint8))


def _shape(rgba: Bytes, small: Bytes) -> Floats:
    height, width = rgba.shape[:2]
    alpha = small[..., 3]
    edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    return np.array(
        [
            np.log(width / height),
            np.log10(max(width, height)),
            (alpha < 8).mean(),
            ((alpha >= 8) & (alpha < 248)).mean(),
            (edge < 128).mean(),
        ],
        dtype=np.float32,
    )


def _colours(lab: Floats, clear: NDArray[np.bool_]) -> Floats:
    """Joint histogram in OKLab of the visible pixels; square roots, as for Hellinger's distance."""
    seen = lab[~clear]
    bins = LIGHTNESSES * CHROMAS**2
    if len(seen) == 0:
        return np.zeros(bins + 6, dtype=np.float32)
    light = np.clip((seen[:, 0] * LIGHTNESSES).astype(int), 0, LIGHTNESSES - 1)
    spread = (seen[:, 1:] / LARGEST_CHROMA + 1) / 2 * CHROMAS
    a, b = np.clip(spread.astype(int), 0, CHROMAS - 1).T
    counts = np.bincount((light * CHROMAS + a) * CHROMAS + b, minlength=bins)
    strength = np.hypot(seen[:, 1], seen[:, 2])
    moments = [
        seen[:, 0].mean(), seen[:, 0].std(), strength.mean(), strength.std(),
        np.percentile(strength, 95), (strength > 0.12).mean(),
    ]  # fmt: skip
    return np.concatenate([np.sqrt(counts / len(seen)), moments]).astype(np.float32)


def _palette(small: Bytes) -> Floats:
    """How few colours cover how much: flat graphics have few, photographs many."""
    codes = small[..., :3].astype(np.int32) >> 3
    flat = (codes[..., 0] << 10 | codes[..., 1] << 5 | codes[..., 2])[small[..., 3] >= 128]
    if len(flat) == 0:
        return np.zeros(8, dtype=np.float32)
    numbers = np.sort(np.bincount(flat, minlength=1))[::-1]
    shares = numbers[numbers > 0] / len(flat)
    top = [shares[:few].sum() for few in (1, 2, 4, 8, 16, 32)]
    entropy = -(shares * np.log2(shares)).sum()
    return np.array([*top, entropy / 10, np.log10(len(shares)) / 4], dtype=np.float32)


def _grid(lab: Floats, small: Bytes) -> Floats:
    """Mean colour, spread of lightness and transparency in each of CELLS x CELLS cells."""
    planes = np.dstack([lab, lab[..., 0] ** 2, small[..., 3] / np.float32(255)])
    means = _cell_means(planes)
    means[..., 3] = np.sqrt(np.maximum(0, means[..., 3] - means[..., 0] ** 2))
    return np.asarray(means, dtype=np.float32).ravel()


def _cell_means(planes: Floats) -> Floats:
    """(h, w, c) → (CELLS, CELLS, c)."""
    y, x = (np.linspace(0, side, CELLS + 1).astype(int) for side in planes.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(planes, y[:-1], axis=0), x[:-1], axis=1)
    return np.asarray(sums / (np.diff(y)[:, None, None] * np.diff(x)[None, :, None]))


def _orientations(gray: Floats) -> Floats:
    """Histograms of gradient directions in cells (Dalal and Triggs 2005), and over the whole."""
    steep, direction = gradient(np.ascontiguousarray(gray))
    place = np.minimum((direction / np.pi * ORIENTATIONS).astype(int), ORIENTATIONS - 1)
    planes = np.stack([steep * (place == number) for number in range(ORIENTATIONS)], axis=-1)
    cells = _cell_means(planes)
    whole = planes.mean(axis=(0, 1))
    sums = np.concatenate([cells.ravel() / (cells.sum() + 1e-6), whole / (whole.sum() + 1e-6)])
    return np.asarray(np.sqrt(sums), dtype=np.float32)


def _textures(rgba: Bytes) -> Floats:
    """Texture of the whole, and of the middle, where figures mostly are."""
    lab = _lab_over_grey(rgba)
    gray = np.ascontiguousarray(lab[..., 0])
    height, width = gray.shape
    y, x = int(height * MIDDLE), int(width * MIDDLE)
    middle = np.ascontiguousarray(gray[y : height - y, x : width - x])
    seen = rgba[..., 3] >= 128
    within = seen[y : height - y, x : width - x]
    return np.concatenate([_texture(gray, seen), _texture(middle, within)])


def _texture(gray: Floats, seen: NDArray[np.bool_]) -> Floats:
    if min(gray.shape) < 4 or not seen.any():
        return np.zeros(10 + 2 * (len(STEEP) + 1) + 2 * (len(ROUGH) + 1) + 5, dtype=np.float32)
    parts = [_binary_patterns(gray, seen)]
    half = cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    steep = gradient(gray)[0]
    parts += [shares_between(steep[seen], STEEP), shares_between(gradient(half)[0].ravel(), STEEP)]
    for window in (3, 9):
        mean = cv2.blur(gray, (window, window))
        spread = np.sqrt(np.maximum(0, cv2.blur(gray * gray, (window, window)) - mean**2))
        parts.append(shares_between(spread[seen], ROUGH))
    parts.append(_strokes(steep, seen))
    return np.concatenate(parts).astype(np.float32)


def _figure(rgba: Bytes, box: Box | None) -> Floats:
    """How the main figure is drawn, apart from what is around it, and its shape."""
    height, width = rgba.shape[:2]
    left, top, right, bottom = box or (0.0, 0.0, 1.0, 1.0)
    piece = rgba[
        int(top * height) : max(int(top * height) + 1, round(bottom * height)),
        int(left * width) : max(int(left * width) + 1, round(right * width)),
    ]
    small = _shrunk(piece, FIGURE_PX)
    lab, seen = _lab_over_grey(small), small[..., 3] >= 128
    steep, direction = gradient(np.ascontiguousarray(lab[..., 0]))
    turns = np.bincount(
        np.minimum((direction / np.pi * ORIENTATIONS).astype(int), ORIENTATIONS - 1).ravel(),
        weights=steep.ravel(),
        minlength=ORIENTATIONS,
    )
    tones = lab[seen] if seen.any() else np.zeros((1, 3), np.float32)
    strength = np.hypot(tones[:, 1], tones[:, 2])
    parts = [
        [float(box is not None), right - left, bottom - top, np.log10(max(piece.shape[:2]))],
        [tones[:, 0].mean(), tones[:, 0].std(), strength.mean(), strength.std(), seen.mean()],
        np.sort(turns / (turns.sum() + 1e-6)),
        _palette(small),
        _texture(np.ascontiguousarray(lab[..., 0]), seen),
        _orientations(lab[..., 0]),
        _coarse(lab[..., 0], seen),
    ]
    return np.concatenate([np.asarray(part, dtype=np.float32) for part in parts])


def _coarse(gray: Floats, seen: NDArray[np.bool_]) -> Floats:
    """What it looks like from afar: lightness against its edge, and what is there at all."""
    edge = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    apart = np.abs(gray - np.median(edge)).astype(np.float32)
    size = (COARSE, COARSE)
    far = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in
           (apart, seen.astype(np.float32))]  # fmt: skip
    return np.concatenate([far[0].ravel() / (float(far[0].max()) + 1e-3), far[1].ravel()])


def _strokes(steep: Floats, seen: NDArray[np.bool_]) -> Floats:
    """How far flat places are from the next edge: little in line drawings, much in flat shapes."""
    edges = (steep > 0.06) & seen
    away = cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, 3)
    away = np.minimum(away[seen], 64) / 64
    soft = (steep[seen] > 0.004) & (steep[seen] <= 0.03)
    return np.array(
        [edges[seen].mean(), away.mean(), np.median(away), np.percentile(away, 90), soft.mean()],
        dtype=np.float32,
    )


def _binary_patterns(gray: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Uniform local binary patterns, turned to one (Ojala et al. 2002): ten shares."""
    inner = gray[1:-1, 1:-1]
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    height, width = inner.shape
    higher = np.stack([gray[y : y + height, x : x + width] > inner + 0.004 for y, x in ring])
    changes = (higher != np.roll(higher, 1, axis=0)).sum(axis=0)
    kinds = np.where(changes <= 2, higher.sum(axis=0), 9)[seen[1:-1, 1:-1]]
    shares = np.bincount(kinds.ravel(), minlength=10) / max(1, kinds.size)
    return np.sqrt(shares).astype(np.float32)
