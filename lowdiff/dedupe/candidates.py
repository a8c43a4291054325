"""Which pairs are worth a comparison: an index in memory over the views of many images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.fingerprint import Fingerprint
from lowdiff.dedupe.views import DIMENSIONS, VIEWS, turned_views

THRESHOLD = 0.8
"""Cosine of two views above which their images are compared."""
WHOLE_PENALTY = 0.05
"""Whole pictures look alike more often than a crop looks like another picture's whole."""
TURNED_PENALTY = 0.08
"""Turned and mirrored views must fit better by this much: few images are turned."""
MOST = 24
"""Candidates for one image, the likeliest first: bounds the cost in a corpus of one style."""
BLOCK = 512


@dataclass(frozen=True)
class Candidate:
    """A pair that may be near or a variant."""

    a: str
    b: str
    likeness: float
    """Cosine of the two views that fit best."""


class Candidates:
    """Grows one image at a time or by many; about 1 kB of memory an image."""

    def __init__(self, *, threshold: float = THRESHOLD, most: int = MOST) -> None:
        self._threshold = threshold
        self._most = most
        self._ids: list[str] = []
        self._views = np.zeros((VIEWS, 0, DIMENSIONS), np.int8)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def add(self, item: str, print_: Fingerprint) -> list[Candidate]:
        """Add one image; returns its candidates among those that came before."""
        found = self.find(print_)
        self._room(1)
        self._views[:, self._used] = print_.views
        self._used += 1
        self._ids.append(item)
        return [Candidate(other, item, likeness) for other, likeness in found]

    def add_many(self, items: Sequence[tuple[str, Fingerprint]]) -> list[list[Candidate]]:
        """Add one after the other, but search for all of them at once: far cheaper than `add`.

        Returns:
            For each item its candidates among those that came before it, the likeliest first.
        """
        start = self._used
        self.extend(items)
        likeness = self._likeness(self._views[:, start : self._used])
        return [
            [Candidate(self._ids[i], item, float(row[i])) for i in self._best(row[: start + place])]
            for place, ((item, _), row) in enumerate(zip(items, likeness, strict=True))
        ]

    def extend(self, items: Sequence[tuple[str, Fingerprint]]) -> None:
        """Add many without looking for candidates; ask `pairs` then."""
        self._room(len(items))
        for item, print_ in items:
            self._views[:, self._used] = print_.views
            self._used += 1
            self._ids.append(item)

    def find(self, print_: Fingerprint) -> list[tuple[str, float]]:
        """Ids and likeness of the images that a fingerprint may belong to, likeliest first."""
        likeness = self._likeness(print_.views[:, None])[0]
        return [(self._ids[i], float(likeness[i])) for i in self._best(likeness)]

    def pairs(self) -> Iterator[Candidate]:
        """All candidate pairs, each once."""
        seen: set[tuple[int, int]] = set()
        for start in range(0, self._used, BLOCK):
            stop = min(start + BLOCK, self._used)
            block = self._likeness(self._views[:, start:stop])
            block[np.arange(stop - start), np.arange(start, stop)] = -1
            for row, likeness in enumerate(block, start):
                for other in self._best(likeness):
                    pair = (min(row, int(other)), max(row, int(other)))
                    if pair not in seen:
                        seen.add(pair)
                        a, b = pair
                        yield Candidate(self._ids[a], self._ids[b], float(likeness[other]))

    def _best(self, likeness: NDArray[np.float32]) -> NDArray[np.intp]:
        above = np.flatnonzero(likeness >= self._threshold)
        order = np.argsort(-likeness[above], kind="stable")
        return above[order[: self._most]]

    def _likeness(self, views: NDArray[np.int8]) -> NDArray[np.float32]:
        """Best cosine (n, all) over the pairs of views, of which one is a whole or the content.

        Args:
            views: (views, n, dimensions).
        """
        n = views.shape[1]
        heads, tails = _unit(views[:2]), _unit(views[2:])
        turns = _unit(np.moveaxis(turned_views(views[1]), 1, 0))
        best = np.full((n, self._used), -1, np.float32)
        for at in range(0, self._used, BLOCK):
            end = min(at + BLOCK, self._used)
            columns = [_unit(view).T for view in self._views[:, at:end]]
            whole, content = columns[:2]
            fits = [_best_of(heads, column, n) for column in columns]
            fit = np.maximum(fits[0], fits[1]) - np.float32(WHOLE_PENALTY)
            for crop in (*fits[2:], _best_of(tails, whole, n), _best_of(tails, content, n)):
                np.maximum(fit, crop, out=fit)
            np.maximum(fit, _best_of(turns, content, n) - np.float32(TURNED_PENALTY), out=fit)
            best[:, at:end] = fit
        return best

    def _room(self, more: int) -> None:
        need = self._used + more
        if need > self._views.shape[1]:
            room = max(need, 2 * self._views.shape[1], 1024)
            grown = np.zeros((VIEWS, room, DIMENSIONS), np.int8)
            grown[:, : self._used] = self._views[:, : self._used]
            self._views = grown


def _unit(views: NDArray[np.int8]) -> NDArray[np.float32]:
    """As (many, dimensions), of length 1."""
    flat = views.reshape(-1, DIMENSIONS).astype(np.float32)
    flat *= np.float32(1 / 127)
    return flat


def _best_of(
    rows: NDArray[np.float32], columns: NDArray[np.float32], n: int
) -> NDArray[np.float32]:
    """Of several views of n pictures each the best cosine: (n, columns)."""
    return np.asarray((rows @ columns).reshape(-1, n, columns.shape[1]).max(0), np.float32)
