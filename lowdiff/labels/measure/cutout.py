"""The figure cut out of its ground: what is neither ground nor words, panels, frames and lines."""

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.measure.background import OPAQUE, STEP, Background, Rgb
from lowdiff.ocr.components import connected_to_border

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

FIGURE_TONE = 24
"""A pixel that differs by more from a plain ground belongs to the figure."""
LIKE_GROUND = 18
"""Enclosed pixels this near to what the ground around leads to expect are ground."""
LEAST_PART = 0.0004
"""Share of the picture: less is dust."""
CARRIED = 0.22
"""A part whose box is covered by words to this share carries them: a panel, a button."""
FRAME_SPAN, FRAME_INK = 0.75, 0.2
"""A part that spans so much of both sides and fills so little of its box is a frame."""
LINE = 0.02
"""A part thinner than this share of the shorter side, and ten times as long, is a line."""


def cut_out(rgba: Bytes, ground: Background, words: Mask) -> tuple[Mask, Mask]:
    """The figure (h, w) with the holes that it encloses, and the pixels that are drawn.

    Args:
        words: (h, w), True where text was read: text is no figure.
    """
    there = rgba[..., 3] >= OPAQUE
    if ground.kind == "photo":
        return np.zeros_like(there), np.zeros_like(there)
    rgb = np.ascontiguousarray(rgba[..., :3])
    if ground.kind == "transparent":
        apart = there
    elif ground.kind == "gradient":
        apart = ~_smooth_ground(rgb, words) & there
    else:
        calm = cv2.GaussianBlur(rgb, (0, 0), 0.7) if ground.evidence.get("noise", 0) > 0.3 else rgb
        apart = _away(calm, ground.colours) & there
        if ground.kind == "pattern":
            apart = _opened(apart, rgba.shape[0] // 60)
    return _without_furniture(apart, words)


def _away(rgb: Bytes, colours: tuple[Rgb, ...]) -> Mask:
    """Far from the colours of the ground, and from what anti-aliasing mixes of two of them."""
    pixels = rgb.astype(np.float32)
    points = [np.array(colour, dtype=np.float32) for colour in colours]
    apart = np.ones(rgb.shape[:2], dtype=bool)
    for one in points:
        apart &= np.abs(pixels - one).max(axis=-1) > FIGURE_TONE
    for at, one in enumerate(points):
        for other in points[at + 1 :]:
            way = other - one
            along = np.clip(((pixels - one) @ way) / max(1.0, float(way @ way)), 0, 1)
            rest = np.abs(pixels - one - along[..., None] * way).max(axis=-1)
            apart &= rest > FIGURE_TONE
    return apart


def _smooth_ground(rgb: Bytes, words: Mask) -> Mask:
    """What can be reached from the border in small steps (a flood with a floating range)."""
    height, width = rgb.shape[:2]
    calm = cv2.medianBlur(rgb, 3)
    reached = np.zeros((height + 2, width + 2), np.uint8)
    step = (STEP - 1,) * 3
    places = [(x, y) for x in range(0, width, 4) for y in (0, height - 1)]
    places += [(x, y) for y in range(0, height, 4) for x in (0, width - 1)]
    for x, y in places:
        if not reached[y + 1, x + 1] and not words[y, x]:
            cv2.floodFill(
                calm, reached, (x, y), 0, step, step, 4 | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
            )
    ground = reached[1:-1, 1:-1] > 0
    if ground.mean() < 0.2:
        return ground
    # the flood stops at the edges of letters and figures; what is like the ground around is ground
    return np.asarray(ground | _like_surroundings(rgb, ground))


def _like_surroundings(rgb: Bytes, ground: Mask) -> Mask:
    """Enclosed pixels of the colour that the ground around them leads to expect."""
    weight = ground.astype(np.float32)
    spread = 0.12 * max(rgb.shape[:2])
    small = (max(8, rgb.shape[1] // 4), max(8, rgb.shape[0] // 4))
    mass = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(rgb * weight[..., None], small, interpolation=cv2.INTER_AREA)
    mass = cv2.GaussianBlur(mass, (0, 0), spread / 4)
    colour = cv2.GaussianBlur(colour, (0, 0), spread / 4) / np.maximum(mass, 1e-3)[..., None]
    expected = cv2.resize(colour, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.abs(rgb - expected).max(axis=-1) <= LIKE_GROUND)


def _opened(mask: Mask, reach: int) -> Mask:
    size = 2 * max(1, reach) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def _without_furniture(apart: Mask, words: Mask) -> tuple[Mask, Mask]:
    """Leave out words, what carries or frames them, lines and dust; filled, and as drawn."""
    height, width = apart.shape
    number, labels, stats, _ = cv2.connectedComponentsWithStats(
        (apart & ~words).astype(np.uint8), connectivity=8
    )
    kept = np.zeros(number, dtype=bool)
    for at in range(1, number):
        left, top, wide, high, area = (int(value) for value in stats[at])
        if area < LEAST_PART * height * width or min(wide, high) < 3:
            continue
        inside = words[top : top + high, left : left + wide]
        is_panel = inside.mean() >= CARRIED
        spans = wide >= FRAME_SPAN * width and high >= FRAME_SPAN * height
        is_frame = spans and area <= FRAME_INK * wide * high
        is_line = min(wide, high) <= LINE * min(height, width) and max(wide, high) >= 10 * min(
            wide, high
        )
        kept[at] = not (is_panel or is_frame or is_line)
    figure = kept[labels]
    return (~connected_to_border(~figure) if figure.any() else figure), figure
