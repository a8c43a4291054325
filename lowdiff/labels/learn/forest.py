"""Extremely randomised trees (Geurts, Ernst and Wehenkel 2006) as plain arrays.

scikit-learn grows them; they are kept and asked without it. On few labels they find the handful of
features that matter, where a linear model needs far more labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

TREES, HELD_OUT_TREES = 160, 80
"""Of a head, and of each model that only judges what it has not seen: half of them say the same."""
SHARE_OF_FEATURES = 0.2
"""Features that are tried at each split."""
MOST_ROWS = 3000
"""Labels that one tree sees."""


@dataclass(frozen=True)
class Forest:
    """All nodes of all trees, one after the other."""

    roots: Ints
    left: Ints
    """Node to go to where the feature is at most the threshold; -1: a leaf."""
    right: Ints
    feature: Ints
    threshold: NDArray[np.float64]
    shares: Floats
    """(nodes, classes)."""

    def probabilities(self, x: Floats) -> Floats:
        """(n, features) → (n, classes): the mean of the leaves' shares."""
        rows = np.arange(len(x))[:, None]
        node = np.repeat(self.roots[None], len(x), axis=0)
        while True:
            inner = self.left[node] >= 0
            if not inner.any():
                return np.asarray(self.shares[node].mean(axis=1), dtype=np.float32)
            low = x[rows, self.feature[node]] <= self.threshold[node]
            node = np.where(inner, np.where(low, self.left[node], self.right[node]), node)


def grow(
    x: Floats, target: NDArray[np.int64], classes: int, *, seed: int, trees: int = TREES
) -> Forest:
    """Grow trees; equal arguments give equal trees.

    Args:
        target: class of each row, 0 to `classes` - 1; a class may be missing.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    grown = ExtraTreesClassifier(
        trees,
        max_features=SHARE_OF_FEATURES,
        min_samples_leaf=1 + len(x) // 1000,
        bootstrap=len(x) > MOST_ROWS,
        max_samples=MOST_ROWS if len(x) > MOST_ROWS else None,
        random_state=seed,
    ).fit(x, target)
    kept = [one.tree_ for one in grown.estimators_]
    known = np.concatenate([_shares(tree.value) for tree in kept])
    shares = np.zeros((len(known), classes), dtype=np.float32)
    shares[:, grown.classes_] = known
    return _joined(kept, shares)


def grow_shares(x: Floats, target: Floats, *, seed: int, trees: int = TREES) -> Forest:
    """Trees for several targets of 0 or 1 at once; each leaf keeps a share for every target.

    Args:
        target: (n, targets).
    """
    from sklearn.ensemble import ExtraTreesRegressor

    many = len(x) > MOST_ROWS
    grown = ExtraTreesRegressor(
        trees,
        max_features=SHARE_OF_FEATURES,
        min_samples_leaf=1 + len(x) // 1000,
        bootstrap=many,
        max_samples=MOST_ROWS if many else None,
        random_state=seed,
    ).fit(x, target)
    kept = [one.tree_ for one in grown.estimators_]
    return _joined(kept, np.concatenate([tree.value[:, :, 0] for tree in kept]))


def _joined(trees: Sequence[Any], shares: NDArray[np.floating]) -> Forest:
    """All trees in one row of nodes."""
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]

    def moved(name: str) -> Ints:
        sides = [getattr(tree, name) for tree in trees]
        parts = [np.where(s >= 0, s + at, -1) for s, at in zip(sides, starts, strict=True)]
        return np.asarray(np.concatenate(parts), dtype=np.int32)

    return Forest(
        starts.astype(np.int32),
        moved("children_left"),
        moved("children_right"),
        np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int32),
        np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
        np.asarray(shares, dtype=np.float32),
    )


def _shares(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts, or shares, of the classes at each node → shares."""
    counts = value[:, 0, :]
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12))
