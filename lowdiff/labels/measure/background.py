"""What lies behind the figure, told from the border, and which pixels are figure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowdiff.ocr.components import connected_to_border

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

RING_SHARE = 0.03
"""Width of the border that is looked at, as a share of the shorter side."""
SAME_TONE = 10
"""Greatest difference of a channel (0..255) between pixels of one flat colour."""
FIGURE_TONE = 20
"""A pixel that differs from the ground by more belongs to the figure."""
PLAIN_RING = 0.55
"""So much of the ring has one colour when the background is plain."""
SMOOTH_RING = 0.7
"""So much of the ring follows a smooth surface when the background is a gradient."""
REPEATING = 0.5
"""From this correlation with its own shifted copy on, a picture is a pattern."""
PHOTO_TEXTURE = 0.3
"""So many neighbouring pixels differ a little in a photo; in a drawing they are equal."""
LITTLE = 16
"""Grey levels: more is an edge, none is flat."""


@dataclass(frozen=True)
class Background:
    """The verdict and what follows from it."""

    kind: str
    """A value of the field `background`."""
    confidence: float
    colour: tuple[int, int, int] | None
    """The colour of a plain background."""
    figure: Mask
    """(h, w): what is not background; holes that the figure encloses count as figure."""


def measure_background(rgba: Bytes) -> Background:
    """Tell the kind of background of an image (h, w, 4) and cut the figure out.

    Kinds: `transparent` when half of the border is; `plain` when most of the border has one
    colour; `gradient` when it follows a quadratic surface; else `pattern` when the image repeats
    itself, else `photo` when neighbouring pixels mostly differ a little. Behind the last two no
    figure can be cut out: all is figure.
    """
    alpha = rgba[..., 3] >= 32
    ring = _ring(alpha.shape)
    clear_share = float((~alpha)[ring].mean())
    if clear_share >= 0.5:
        figure = ~connected_to_border(~alpha)
        return Background("transparent", _rising(clear_share, 0.5, 0.8), None, figure)
    rgb = rgba[..., :3].astype(np.int16)
    colour, share = _dominant(rgb[ring & alpha])
    if share >= PLAIN_RING:
        figure = _apart(rgb, np.array(colour)) & alpha
        return Background("plain", _rising(share, PLAIN_RING, 0.85), colour, _filled(figure))
    surface, smooth = _smooth_surface(rgb, ring & alpha)
    if smooth >= SMOOTH_RING:
        figure = _apart(rgb, surface) & alpha
        return Background("gradient", _rising(smooth, SMOOTH_RING, 0.95), None, _filled(figure))
    kind, confidence = _photo_or_pattern(rgb)
    return Background(kind, confidence, None, np.ones_like(alpha))


def _ring(shape: tuple[int, ...]) -> Mask:
    width = max(1, round(RING_SHARE * min(shape)))
    ring = np.ones(shape, dtype=bool)
    ring[width:-width, width:-width] = False
    return ring


def _dominant(pixels: NDArray[np.int16]) -> tuple[tuple[int, int, int], float]:
    """The most frequent colour of pixels (n, 3) and the share of pixels close to it."""
    coarse = (pixels >> 4).astype(np.int32)
    codes = (coarse[:, 0] << 8) | (coarse[:, 1] << 4) | coarse[:, 2]
    most = pixels[codes == np.bincount(codes).argmax()]
    centre = np.median(most, axis=0)
    share = float((np.abs(pixels - centre).max(axis=1) <= SAME_TONE).mean())
    red, green, blue = (int(value) for value in centre)
    return (red, green, blue), share


def _smooth_surface(rgb: NDArray[np.int16], where: Mask) -> tuple[NDArray[np.float32], float]:
    """A quadratic surface (h, w, 3) fitted to the pixels of `where`, and how many follow it.

    Pixels that lie off are left out and the rest is fitted again, for figures that cross the ring.
    """
    height, width = where.shape
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    inputs, targets = terms[where], rgb[where].astype(np.float32)
    chosen = np.ones(len(inputs), dtype=bool)
    weights = np.zeros((6, 3), dtype=np.float32)
    error = np.zeros(len(inputs), dtype=np.float32)
    for _ in range(4):
        weights = np.linalg.lstsq(inputs[chosen], targets[chosen], rcond=None)[0]
        error = np.abs(inputs @ weights - targets).max(axis=1)
        chosen = error <= max(SAME_TONE, float(np.median(error)))
    return (terms @ weights).astype(np.float32), float((error <= SAME_TONE).mean())


def _apart(rgb: NDArray[np.int16], ground: NDArray[np.float32] | NDArray[np.int64]) -> Mask:
    return np.asarray(np.abs(rgb - ground).max(axis=-1) > FIGURE_TONE)


def _filled(figure: Mask) -> Mask:
    return ~connected_to_border(~figure)


def _photo_or_pattern(rgb: NDArray[np.int16]) -> tuple[str, float]:
    grey = rgb.mean(axis=-1).astype(np.float32)
    regular, rough = repetition(grey), texture(grey)
    if regular >= REPEATING:
        return "pattern", _rising(regular, REPEATING, 0.8)
    if rough >= PHOTO_TEXTURE:
        return "photo", _rising(rough, PHOTO_TEXTURE, 0.6)
    # a flat drawing that fills the picture is neither: say so by a low confidence
    return "pattern", 0.3


def texture(grey: NDArray[np.float32]) -> float:
    """Share of neighbouring pixels of a picture (h, w) that differ, but only a little."""
    steps = np.concatenate([np.abs(np.diff(grey, axis=at)).ravel() for at in (0, 1)])
    return float(((steps > 0.5) & (steps <= LITTLE)).mean()) if steps.size else 0.0


def repetition(grey: NDArray[np.float32]) -> float:
    """How strongly a picture (h, w) repeats itself under some shift: 0 not at all, 1 exactly.

    The highest peak of the circular autocorrelation beyond its first descent, between a tenth and
    half of the shorter side (Wiener and Khinchin: the transform of the power spectrum).
    """
    centred = grey - grey.mean()
    power = np.abs(np.fft.rfft2(centred)) ** 2
    correlation = np.fft.irfft2(power, s=grey.shape)
    if correlation[0, 0] <= 1e-6:
        return 0.0
    correlation = correlation / correlation[0, 0]
    peaks = [_second_peak(correlation[0]), _second_peak(correlation[:, 0])]
    return float(np.clip(max(peaks), 0.0, 1.0))


def _second_peak(row: NDArray[np.float64]) -> float:
    half = row[: len(row) // 2]
    valley = int(np.argmax(half < 0.3)) if (half < 0.3).any() else len(half)
    return float(half[valley:].max(initial=0.0))


def _rising(value: float, low: float, high: float) -> float:
    """Confidence from 0.6 at `low` to 0.97 at `high` and beyond."""
    return round(float(0.6 + 0.37 * np.clip((value - low) / (high - low), 0, 1)), 4)
