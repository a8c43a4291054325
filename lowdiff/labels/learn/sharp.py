"""How sharp an image is at full resolution, and what compression has done to it."""

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SHARP_PX = 768
"""Side of the middle piece in which it is measured."""
STEEP = (0.01, 0.03, 0.08, 0.16, 0.3, 0.5)
"""Bounds of gradients, in lightness per pixel."""


def sharpness(rgba: Bytes) -> Floats:
    """How sharp a piece at full resolution is, and how much of JPEG's blocks one sees.

    Steps between neighbours are compared with steps after a blur (Crete et al. 2007, "The blur
    effect"), and steps across borders of 8 pixels with the others (Wang et al. 2002).
    """
    gray = rgba[..., :3].astype(np.float32).mean(axis=-1) * (rgba[..., 3] / np.float32(255)) / 255
    if min(gray.shape) < 24:
        return np.zeros(9 + len(STEEP) + 1 + 8, dtype=np.float32)
    found: list[float] = []
    for axis in (0, 1):
        steps = np.abs(np.diff(gray, axis=axis))
        soft = cv2.blur(gray, (1, 9) if axis == 0 else (9, 1))
        lost = np.maximum(0, steps - np.abs(np.diff(soft, axis=axis)))
        found.append(1 - float(lost.sum() / (steps.sum() + 1e-6)))
        lines = steps.mean(axis=1 - axis)
        phase = np.array([lines[start::8].mean() for start in range(8)])
        found.append(float(np.log((phase.max() + 1e-4) / (np.median(phase) + 1e-4))))
        second = np.abs(np.diff(steps, axis=axis)).mean()
        found.append(float(second / (steps.mean() + 1e-4)))
    laplacian = np.abs(cv2.Laplacian(gray, cv2.CV_32F))
    steep = gradient(gray)[0]
    edges = steep >= max(1e-4, 0.5 * float(np.percentile(steep, 99.5)))
    near = cv2.dilate(edges.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    found += [
        float(np.log(laplacian.mean() + 1e-4)),
        float(np.percentile(steep, 99.5)),
        float(laplacian[near].mean()) if near.any() else 0.0,
    ]
    shares = shares_between(steep, STEEP)
    parts = [np.array(found), shares, _spectrum(gray)]
    return np.asarray(np.concatenate(parts), dtype=np.float32)


def middle_piece(rgba: Bytes) -> Bytes:
    """A piece from the middle; it begins at a multiple of 8, where JPEG's blocks begin."""
    height, width = rgba.shape[:2]
    top, left = (max(0, side - SHARP_PX) // 16 * 8 for side in (height, width))
    return rgba[top : top + SHARP_PX, left : left + SHARP_PX]


def gradient(gray: Floats) -> tuple[Floats, Floats]:
    """Steepness per pixel, and direction in [0, pi)."""
    x = cv2.Scharr(gray, cv2.CV_32F, 1, 0) / 32
    y = cv2.Scharr(gray, cv2.CV_32F, 0, 1) / 32
    return np.hypot(x, y), np.arctan2(y, x) % np.pi


def shares_between(values: Floats, bounds: tuple[float, ...]) -> Floats:
    """Shares of values between bounds."""
    counts = np.bincount(np.digitize(values.ravel(), bounds), minlength=len(bounds) + 1)
    return np.asarray(counts / max(1, values.size), dtype=np.float32)


def _spectrum(gray: Floats) -> Floats:
    """Energy in eight rings of frequencies against all of it; what was enlarged has no high one."""
    side = min(512, *gray.shape)
    piece = gray[:side, :side] - gray[:side, :side].mean()
    hann = np.hanning(side).astype(np.float32)
    power = np.abs(np.fft.rfft2(piece * hann[:, None] * hann[None])) ** 2
    y, x = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    ring = np.minimum((np.hypot(y, x) / 0.5 * 8).astype(int), 7)
    energy = np.bincount(ring.ravel(), weights=power.ravel(), minlength=8)
    shares = np.log10((energy + 1e-6) / (energy.sum() + 1e-5)) / 4
    return np.asarray(shares, dtype=np.float32)
