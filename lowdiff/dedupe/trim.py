"""Where the content lies inside plain borders."""

import cv2
import numpy as np
from numpy.typing import NDArray

TOLERANCE = 26
"""Largest difference (of 255, in any channel) from the border's colour that still is border."""
SMALLEST_SIDE = 0.08
"""Content smaller than this share of the picture's side is not cut out: it may be dust."""


def content_box(rgb: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what differs from the colour of the border.

    A picture without a plain border, or with nothing inside it, is its own content.
    """
    height, width = rgb.shape[:2]
    whole = (0, 0, width, height)
    box = whole
    for _ in range(2):  # a frame in a frame: white paper with a black line around
        left, top, right, bottom = box
        inner = _once(rgb[top:bottom, left:right])
        if inner is None:
            break
        box = (left + inner[0], top + inner[1], left + inner[2], top + inner[3])
    small = box[2] - box[0] < SMALLEST_SIDE * width or box[3] - box[1] < SMALLEST_SIDE * height
    return whole if small else box


def ground_of(rgb: NDArray[np.uint8]) -> tuple[int, int, int]:
    """The median colour of the outermost pixels."""
    edge = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    red, green, blue = np.median(edge, axis=0)
    return int(red), int(green), int(blue)


def off_ground(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where any channel differs from the colour of the border."""
    ground = np.array(ground_of(rgb))
    same = cv2.inRange(rgb, ground - TOLERANCE, ground + TOLERANCE)
    return np.asarray(cv2.bitwise_not(same)).astype(np.bool_)


def _once(rgb: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    far = off_ground(rgb)
    # lone pixels are noise of the codec
    far = cv2.medianBlur(far.astype(np.uint8), 3) > 0 if min(far.shape) > 8 else far
    rows, columns = np.flatnonzero(far.any(1)), np.flatnonzero(far.any(0))
    if not len(rows) or not len(columns):
        return None
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    height, width = far.shape
    return (
        None if box == (0, 0, width, height) or min(box[2] - box[0], box[3] - box[1]) < 4 else box
    )
