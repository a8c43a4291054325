"""Views: coarse descriptors of the whole, of its content and of crops, to find candidates by.

Each view is scaled to 32 × 32 and described by its low frequencies (the idea of pHash: Zauner
2010, "Implementation and Benchmarking of Perceptual Image Hash Functions"), kept as signed
bytes of a unit vector instead of bits: the many near-zero frequencies of a symmetric drawing
then weigh nothing, where their signs would be coin tosses.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

GRID = 32
KEPT = 8
"""Frequencies along each axis of the lightness."""
KEPT_COLOUR = 3
DIMENSIONS = KEPT * KEPT - 1 + 2 * KEPT_COLOUR * KEPT_COLOUR
COLOUR_WEIGHT = 0.35
"""Low, so that a copy in gray is found; colours are judged later."""

WINDOWS = (
    (0.0, 0.0, 1.0, 1.0),
    (0.1, 0.1, 0.9, 0.9),
    (0.2, 0.2, 0.8, 0.8),
    (0.03, 0.1, 0.97, 0.97),
    (0.0, 0.0, 1.0, 0.8),
    (0.2, 0.0, 1.0, 1.0),
    (0.0, 0.0, 0.8, 1.0),
    (0.0, 0.0, 0.8, 0.8),
    (0.2, 0.0, 1.0, 0.8),
    (0.0, 0.2, 0.8, 1.0),
    (0.2, 0.2, 1.0, 1.0),
)
"""Left, top, right, bottom as shares of the content; the first is the content itself."""
VIEWS = len(WINDOWS) + 2
VIEWS_SHAPE = (VIEWS, DIMENSIONS)


def views_of(
    rgb: NDArray[np.uint8],
    box: tuple[int, int, int, int],
    on_black: NDArray[np.uint8] | None = None,
) -> NDArray[np.int8]:
    """Descriptors (views, dimensions) of a picture whose content lies in `box`.

    Args:
        on_black: a transparent picture over black, for copies that lost their alpha; the last
            view is empty without one.
    """
    lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.uint8)
    left, top, right, bottom = box
    content = lab[top:bottom, left:right]
    rows = [_describe(lab)]
    height, width = content.shape[:2]
    for x0, y0, x1, y1 in WINDOWS:
        part = content[
            int(y0 * height) : max(int(y0 * height) + 1, round(y1 * height)),
            int(x0 * width) : max(int(x0 * width) + 1, round(x1 * width)),
        ]
        rows.append(_describe(part))
    if on_black is None:
        rows.append(np.zeros(DIMENSIONS, np.int8))
    else:
        dark = cv2.cvtColor(on_black[top:bottom, left:right], cv2.COLOR_RGB2LAB)
        rows.append(_describe(np.asarray(dark, np.uint8)))
    return np.stack(rows)


def turned_views(views: NDArray[np.int8]) -> NDArray[np.int8]:
    """Descriptors (n, 7, dimensions) of the pictures of `views` (n, dimensions), turned.

    A cosine transform turns with its picture: mirroring changes the sign of the odd
    frequencies, and exchanging the axes exchanges theirs.
    """
    return np.stack([views[:, _ORDERS[turn]] * _SIGNS[turn] for turn in range(1, 8)], 1)


def _turn_table() -> tuple[NDArray[np.intp], NDArray[np.int8]]:
    """For each of eight turns, where each number comes from and its sign."""
    sizes = (KEPT, KEPT_COLOUR, KEPT_COLOUR)
    orders, signs = [], []
    for turn in range(8):
        order, sign, base = [], [], -1  # the first lightness is left out of the descriptor
        for size in sizes:
            rows, columns = np.meshgrid(range(size), range(size), indexing="ij")
            from_rows, from_columns = (columns, rows) if turn & 4 else (rows, columns)
            flip = np.where(turn & 1, (-1) ** rows, 1) * np.where(turn & 2, (-1) ** columns, 1)
            order.append((base + from_rows * size + from_columns).ravel())
            sign.append(flip.ravel())
            base += size * size
        orders.append(np.concatenate(order)[1:])
        signs.append(np.concatenate(sign)[1:])
    return np.array(orders), np.array(signs, np.int8)


_ORDERS, _SIGNS = _turn_table()


def _describe(lab: NDArray[np.uint8]) -> NDArray[np.int8]:
    grid = cv2.resize(lab, (GRID, GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
    lightness = cv2.dct(np.ascontiguousarray(grid[..., 0]))[:KEPT, :KEPT].ravel()[1:]
    colours = [
        cv2.dct(np.ascontiguousarray(grid[..., i] - 128))[:KEPT_COLOUR, :KEPT_COLOUR].ravel()
        for i in (1, 2)
    ]
    vector = np.concatenate([lightness, COLOUR_WEIGHT * np.concatenate(colours)])
    length = float(np.linalg.norm(vector))
    return (
        np.zeros(DIMENSIONS, np.int8)
        if length < 1
        else np.rint(vector / length * 127).astype(np.int8)
    )
