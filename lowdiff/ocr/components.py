"""Connected components of a mask: where each blob lies and how big it is; pure numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Components:
    """`n` blobs of a mask, in the order of their first pixels; every array has shape (n,)."""

    left: Ints
    top: Ints
    right: Ints
    """The first column to the right of the blob."""
    bottom: Ints
    """The first row below the blob."""
    area: Ints
    """Number of pixels of the blob itself."""

    def __len__(self) -> int:
        return int(self.area.size)

    def keep(self, chosen: Mask) -> "Components":
        """Those for which `chosen` is true."""
        return Components(
            self.left[chosen],
            self.top[chosen],
            self.right[chosen],
            self.bottom[chosen],
            self.area[chosen],
        )


def find_components(mask: Mask) -> Components:
    """The blobs of touching pixels of a mask of shape (h, w), diagonal neighbours included.

    Works on the runs of the rows: overlapping runs of neighbouring rows are joined by hooking
    each tree of labels under the smaller root until nothing moves (Shiloach and Vishkin 1982).
    """
    rows, starts, ends = _runs(mask)
    upper, lower = _touching(rows, starts, ends, width=mask.shape[1], diagonal=True)
    roots = _join(rows.size, upper, lower)
    _, blob = np.unique(roots, return_inverse=True)
    number = int(blob.max()) + 1 if blob.size else 0
    left = np.full(number, mask.shape[1])
    top = np.full(number, mask.shape[0])
    right = np.zeros(number, np.int64)
    bottom = np.zeros(number, np.int64)
    np.minimum.at(left, blob, starts)
    np.minimum.at(top, blob, rows)
    np.maximum.at(right, blob, ends)
    np.maximum.at(bottom, blob, rows + 1)
    area = np.bincount(blob, weights=ends - starts, minlength=number).astype(np.int64)
    return Components(left, top, right, bottom, area)


def connected_to_border(mask: Mask) -> Mask:
    """The pixels of `mask` (h, w) from which a path through it leads to the image's border.

    Paths go up, down, left and right only, so that they do not slip through a diagonal line.
    """
    height, width = mask.shape
    rows, starts, ends = _runs(mask)
    upper, lower = _touching(rows, starts, ends, width=width, diagonal=False)
    roots = _join(rows.size, upper, lower)
    at_border = (rows == 0) | (rows == height - 1) | (starts == 0) | (ends == width)
    outside = np.zeros(rows.size, dtype=bool)
    outside[roots[at_border]] = True
    chosen = outside[roots]
    steps = np.zeros((height, width + 1), dtype=np.int8)
    np.add.at(steps, (rows[chosen], starts[chosen]), 1)
    np.add.at(steps, (rows[chosen], ends[chosen]), -1)
    return np.asarray(np.cumsum(steps, axis=1)[:, :width] > 0)


def _runs(mask: Mask) -> tuple[Ints, Ints, Ints]:
    """Row, first column and end column of every horizontal run of true pixels."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    return rows, starts, ends


def _touching(
    rows: Ints, starts: Ints, ends: Ints, *, width: int, diagonal: bool
) -> tuple[Ints, Ints]:
    """Pairs of runs in neighbouring rows that touch, as two lists of run numbers."""
    stride = width + 2
    begins, stops = rows * stride + starts, rows * stride + ends
    from_, to = (rows + 1) * stride + starts, (rows + 1) * stride + ends
    first = np.searchsorted(stops, from_, side="left" if diagonal else "right")
    last = np.searchsorted(begins, to, side="right" if diagonal else "left")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(rows.size), counts)
    before = np.cumsum(counts) - counts
    lower = np.arange(upper.size) - np.repeat(before - first, counts)
    return upper, lower


def _join(number: int, upper: Ints, lower: Ints) -> Ints:
    root = np.arange(number)
    while upper.size:
        smaller = np.minimum(root[upper], root[lower])
        larger = np.maximum(root[upper], root[lower])
        np.minimum.at(root, larger, smaller)
        while not np.array_equal(root, jumped := root[root]):
            root = jumped
        open_pairs = root[upper] != root[lower]
        upper, lower = upper[open_pairs], lower[open_pairs]
    return root
