"""The plain ground that a transparent picture is laid on."""

import cv2
import numpy as np
from numpy.typing import NDArray

OPAQUE = 250
"""Alpha from which a pixel counts as opaque."""
_LIGHT = 236
"""A drawing whose opaque pixels are lighter than this would vanish on a white ground."""

Rgb = NDArray[np.uint8]
Colour = tuple[int, int, int]


def own_ground(rgba: NDArray[np.uint8]) -> Colour:
    """White, or dark for a transparent drawing that is nearly white itself."""
    alpha = cv2.extractChannel(rgba, 3)
    weight = cv2.mean(alpha)[0]
    if not weight or cv2.minMaxLoc(alpha)[0] >= OPAQUE:
        return (255, 255, 255)
    drawn = cv2.multiply(rgba, cv2.merge([alpha] * 4), scale=1 / 255)
    lightness = sum(cv2.mean(drawn)[:3]) / 3 / (weight / 255)
    return (40, 40, 40) if lightness > _LIGHT else (255, 255, 255)


def over(rgba: NDArray[np.uint8], ground: Colour) -> Rgb:
    """Composite on a plain ground."""
    rgb, alpha = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), cv2.extractChannel(rgba, 3)
    if cv2.minMaxLoc(alpha)[0] == 255:
        return np.asarray(rgb, np.uint8)
    shown = cv2.multiply(rgb, cv2.merge([alpha] * 3), scale=1 / 255)
    below = cv2.merge([cv2.convertScaleAbs(255 - alpha, None, level / 255) for level in ground])
    return np.asarray(cv2.add(shown, below), np.uint8)
