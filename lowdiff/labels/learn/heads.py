"""Small heads that draft one field from features, trained in seconds from the labels so far.

A head mixes a small net (`net.py`) with randomised trees (`forest.py`), by shares that are best on
held-out folds. Its probabilities are calibrated on these folds by a temperature (Guo et al. 2017,
arXiv:1706.04599), so that they mean what they say.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.learn.forest import HELD_OUT_TREES, Forest, grow
from lowdiff.labels.learn.net import HIDDEN, probabilities, train_net

Floats = NDArray[np.float32]

LEAST_LABELS, LEAST_OF_A_CLASS = 30, 5
FOLDS = 5
LEAST_GROUPS = 2 * FOLDS
MAIN_AXES = 96
LARGEST = 5.0
"""Standard deviations at which features are cut off."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the net in the mix."""
TEMPERATURES = np.geomspace(0.4, 4.0, 47)
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class Lens:
    """What turns feature vectors into the inputs of a net."""

    mean: Floats
    scale: Floats
    """1 / standard deviation; 0 for a feature that never changes."""
    axes: Floats
    """(features, inputs): main axes of the standardised features, half whitened."""

    def __call__(self, x: Floats) -> Floats:
        """(n, features) → (n, inputs)."""
        inside = np.clip((x - self.mean) * self.scale, -LARGEST, LARGEST)
        return np.asarray(inside @ self.axes, dtype=np.float32)


@dataclass(frozen=True)
class Head:
    """A trained head."""

    classes: tuple[str, ...]
    lens: Lens
    weights: dict[str, Floats]
    """Of the net."""
    forest: Forest
    net_share: float
    temperature: float
    of_flags: bool = False
    """The classes are flags, any number of which may be on (`flag_heads.py`)."""
    most: int = 1
    """Flags that were on at once, at most."""
    required: bool = True
    """At least one flag is on."""

    def probabilities(self, x: Floats) -> Floats:
        """(n, features) → (n, classes); rows sum to one, but for flags."""
        if self.of_flags:
            return self.forest.probabilities(x)
        net = probabilities(self.weights, self.lens(x))
        mixed = self.net_share * net + (1 - self.net_share) * self.forest.probabilities(x)
        return _tempered(mixed, self.temperature)


@dataclass(frozen=True)
class Fitted:
    """A head with what its training told."""

    head: Head
    held_out: Floats
    """(n, classes): probabilities for each row by models that did not see its group."""
    metrics: dict[str, Any]


def too_few(values: Sequence[str], groups: Sequence[str]) -> str | None:
    """Why these labels are too few to learn from; None when they are enough.

    Args:
        groups: the family of each labeled image.
    """
    if len(values) < LEAST_LABELS:
        return f"{len(values)} labels, {LEAST_LABELS} are needed"
    enough = classes_of(values)
    if len(enough) < 2:
        return f"only {', '.join(enough) or 'no value'} has {LEAST_OF_A_CLASS} labels or more"
    if len(set(groups)) < LEAST_GROUPS:
        return f"labels of only {len(set(groups))} families, {LEAST_GROUPS} are needed"
    return None


def classes_of(values: Sequence[str]) -> tuple[str, ...]:
    """The values with enough labels to be learned."""
    counts = Counter(values)
    return tuple(sorted(v for v, number in counts.items() if number >= LEAST_OF_A_CLASS))


def look_through(x: Floats) -> Lens:
    """The lens for the features (n, features) of a corpus, labeled or not."""
    mean, spread = x.mean(axis=0), x.std(axis=0)
    scale = np.where(spread > 1e-4, 1 / np.maximum(spread, 1e-4), 0).astype(np.float32)
    inside = np.clip((x - mean) * scale, -LARGEST, LARGEST).astype(np.float64)
    values, axes = np.linalg.eigh(inside.T @ inside / len(x))
    kept = np.argsort(values)[::-1][:MAIN_AXES]
    kept = kept[values[kept] > 1e-6]
    turned = axes[:, kept] / np.maximum(values[kept], 1e-6) ** 0.25
    first = np.abs(turned).argmax(axis=0)
    turned *= np.sign(turned[first, np.arange(turned.shape[1])])  # eigenvectors have no sign
    return Lens(mean.astype(np.float32), scale, turned.astype(np.float32))


def fit_head(
    x: Floats, values: Sequence[str], groups: Sequence[str], lens: Lens, *, seed: int = 0
) -> Fitted:
    """Learn from labels; equal arguments give equal heads.

    Args:
        x: (n, features).
        values: one label for each row; those of a value with fewer than LEAST_OF_A_CLASS labels
            are left out of training, and count as errors of the held-out predictions.
        groups: rows of one group (a family) are held out together.

    Raises:
        ValueError: there are too few labels (`too_few`).
    """
    why = too_few(values, groups)
    if why:
        raise ValueError(why)
    classes = classes_of(values)
    known = np.array([value in classes for value in values])
    target = np.array([classes.index(v) if v in classes else -1 for v in values])
    fold = folds_of(groups, values, seed)
    inputs = lens(x)
    trained = [
        train_net(
            inputs[known], target[known], fold[known], len(classes), width=width, seed=seed
        )
        for width in HIDDEN
    ]  # fmt: skip
    net = min(trained, key=lambda one: one.loss)
    held_net = np.full((len(values), len(classes)), 1 / len(classes), dtype=np.float32)
    held_net[known] = net.held_out
    held_trees = _held_trees(x, target, known, fold, len(classes), seed)
    mixes = [share * held_net + (1 - share) * held_trees for share in SHARES]
    losses = [_loss(mix[known], target[known]) for mix in mixes]
    at = int(np.argmin(losses))
    heat = [_loss(_tempered(mixes[at][known], t), target[known]) for t in TEMPERATURES]
    temperature = float(TEMPERATURES[int(np.argmin(heat))])
    held_out = _tempered(mixes[at], temperature)
    forest = grow(x[known], target[known], len(classes), seed=seed)
    head = Head(classes, lens, net.weights, forest, SHARES[at], temperature)
    metrics = _metrics(values, held_out, target) | {
        "net_share": SHARES[at],
        "hidden": net.width,
        "steps": net.steps,
        "temperature": round(temperature, 4),
    }
    return Fitted(head, held_out, metrics)


def coverage(sure: Floats, right: NDArray[np.bool_], *, precision: float = 0.98) -> float:
    """Largest share of drafts, the surest first, of which `precision` are right."""
    order = np.argsort(-sure, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share >= precision)
    return float((good[-1] + 1) / len(order)) if len(good) else 0.0


def folds_of(groups: Sequence[str], values: Sequence[str], seed: int) -> NDArray[np.int64]:
    """A fold for every row: groups stay together, and every value is spread over the folds."""
    members: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    dice = np.random.default_rng(seed)
    order = [sorted(members)[at] for at in dice.permutation(len(members))]
    order.sort(key=lambda group: -len(members[group]))  # stable: the large ones first
    counts: list[Counter[str]] = [Counter() for _ in range(FOLDS)]
    fold = np.zeros(len(groups), dtype=np.int64)
    for group in order:
        rows = members[group]
        own = Counter(values[row] for row in rows)
        at = min(
            range(FOLDS),
            key=lambda k: (sum(counts[k][value] for value in own), counts[k].total(), k),
        )
        fold[rows] = at
        counts[at] += own
    return fold


def _held_trees(
    x: Floats,
    target: NDArray[np.int64],
    known: NDArray[np.bool_],
    fold: NDArray[np.int64],
    classes: int,
    seed: int,
) -> Floats:
    held = np.full((len(x), classes), 1 / classes, dtype=np.float32)
    for number in range(FOLDS):
        out, seen = fold == number, (fold != number) & known
        if out.any() and seen.any():
            held[out] = grow(
                x[seen], target[seen], classes, seed=seed, trees=HELD_OUT_TREES
            ).probabilities(x[out])
    return held


def _metrics(values: Sequence[str], held_out: Floats, target: NDArray[np.int64]) -> dict[str, Any]:
    counts = Counter(values)
    right, sure = held_out.argmax(axis=1) == target, held_out.max(axis=1)
    return {
        "labels": len(values),
        "values": {value: counts[value] for value in sorted(counts)},
        "accuracy": round(float(right.mean()), 4),
        "most_frequent": round(max(counts.values()) / len(values), 4),
        "confidence": round(float(sure.mean()), 4),
        "coverage_at_98": round(coverage(sure, right), 4),
    }


def _loss(shares: Floats, target: NDArray[np.int64]) -> float:
    chosen = shares[np.arange(len(target)), target]
    return float(-np.log(np.maximum(chosen, LEAST_SHARE)).mean())


def _tempered(shares: Floats, temperature: float) -> Floats:
    logs = np.log(np.maximum(shares, LEAST_SHARE)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
