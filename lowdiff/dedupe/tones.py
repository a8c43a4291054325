"""How the colours and the lightness of two aligned pictures differ, before and after a fit.

A copy may be brighter, paler or tinted as a whole; that is fitted and told apart from a change
that stays in one place: another skin, another flag, another digit.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

COLOUR_APART = 11.0
"""Distance in (a, b) of CIELAB above which two colours differ."""
LIGHTNESS_APART = 24.0
GRAY_BELOW = 4.0
"""Chroma (CIELAB) that a gray picture reaches at most, after lossy packing."""
EQUAL = 4.0
"""Distance in CIELAB up to which two colours are the same but for lossy packing."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Tones:
    """Shares are of the pixels that were compared; distances are of CIELAB as OpenCV scales it."""

    colour_apart: float
    lightness_apart: float
    shift: float
    gray: float
    colour_peaks: tuple[float, float]
    lightness_peaks: tuple[float, float]
    gain: float
    """Of the lightness, as an absolute logarithm; so is the saturation."""
    saturation: float
    tint: float
    unchanged: float
    """Share that is equal without any fit."""
    changed_by: float
    """90th percentile of the distance without any fit."""


def compare_tones(a: NDArray[np.uint8], b: NDArray[np.uint8], inside: NDArray[np.bool_]) -> Tones:
    """Compare two pictures (CIELAB) where the mask says."""
    mine, theirs = a[inside].astype(np.float32), b[inside].astype(np.float32)
    raw = mine - theirs
    colours = _length(raw[:, 1:])
    distance = np.hypot(colours, raw[:, 0] * np.float32(0.5))
    # a gray copy has no colour anywhere; silver beside gold has a little
    chroma = [float(np.percentile(_length(side[:, 1:] - 128), 99)) for side in (mine, theirs)]
    gray = min(chroma) < GRAY_BELOW and max(chroma) > 2 * GRAY_BELOW
    gain, offset = _line(theirs[:, 0], mine[:, 0], 0.6, 1.7, 60)
    lightness = np.abs(mine[:, 0] - gain * theirs[:, 0] - offset)
    saturation, tint = 1.0, 0.0
    if gray:
        colour = np.zeros_like(lightness)
    else:
        x, y = theirs[:, 1:] - 128, mine[:, 1:] - 128
        saturation = float((x * y).sum() / ((x * x).sum() + 1e-6))
        saturation = min(max(saturation, 0.5), 2.0)
        by = (y - saturation * x).mean(0)
        tint = float(np.hypot(by[0], by[1]))
        colour = _length(y - saturation * x - np.clip(by, -9, 9))
    return Tones(
        colour_apart=float((colour > COLOUR_APART).mean()),
        lightness_apart=float((lightness > LIGHTNESS_APART).mean()),
        shift=float(colours.mean()),
        gray=float(gray),
        colour_peaks=_peaks(colour, inside),
        lightness_peaks=_peaks(lightness, inside),
        gain=abs(float(np.log(gain))),
        saturation=abs(float(np.log(saturation))),
        tint=tint,
        unchanged=float((distance <= EQUAL).mean()),
        changed_by=float(np.percentile(distance, 90)),
    )


def _peaks(values: Floats, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """The largest local mean, and the logarithm of its ratio to the 90th percentile."""
    spread = np.zeros(inside.shape, np.float32)
    spread[inside] = values
    local = cv2.blur(spread, (3, 3))[inside]
    peak, usual = np.percentile(local, (99.8, 90))
    return float(peak), float(np.log((peak + 1) / (usual + 1)))


def _length(vectors: Floats) -> Floats:
    return np.asarray(np.hypot(vectors[:, 0], vectors[:, 1]), np.float32)


def _line(x: Floats, y: Floats, lowest: float, highest: float, most: float) -> tuple[float, float]:
    """Least squares y = gain * x + offset within bounds."""
    mean_x, mean_y = float(x.mean()), float(y.mean())
    variance = float(((x - mean_x) ** 2).mean())
    gain = float(((x - mean_x) * (y - mean_y)).mean()) / (variance + 1e-6) if variance > 4 else 1.0
    gain = min(max(gain, lowest), highest)
    return gain, min(max(mean_y - gain * mean_x, -most), most)
