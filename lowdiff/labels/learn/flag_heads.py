"""Heads for fields of any number of values: every flag by itself, all by the same trees.

Sets of flags as classes would be hundreds, most of them with a handful of labels; whether red is
among the main colours can be learned from every label.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.learn.forest import HELD_OUT_TREES, Forest, grow_shares
from lowdiff.labels.learn.heads import (
    FOLDS,
    LEAST_GROUPS,
    LEAST_LABELS,
    LEAST_OF_A_CLASS,
    Fitted,
    Floats,
    Head,
    Lens,
    coverage,
    folds_of,
)

SURE_MOST = 0.995
POWERS = np.geomspace(0.1, 4.0, 47)
"""Of the product over flags, as a set's confidence: flags are not independent."""


def too_few_flags(sets: Sequence[Sequence[str]], groups: Sequence[str]) -> str | None:
    """Why these labels are too few to learn from; None when they are enough."""
    if len(sets) < LEAST_LABELS:
        return f"{len(sets)} labels, {LEAST_LABELS} are needed"
    if not flags_of(sets):
        return f"no flag has {LEAST_OF_A_CLASS} labels or more"
    if len(set(groups)) < LEAST_GROUPS:
        return f"labels of only {len(set(groups))} families, {LEAST_GROUPS} are needed"
    return None


def flags_of(sets: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The flags that are on and off often enough to be learned."""
    every = {flag for one in sets for flag in one}
    on = {flag: sum(flag in one for one in sets) for flag in every}
    most = len(sets) - LEAST_OF_A_CLASS
    return tuple(sorted(flag for flag in every if LEAST_OF_A_CLASS <= on[flag] <= most))


def fit_flags(
    x: Floats,
    sets: Sequence[Sequence[str]],
    groups: Sequence[str],
    lens: Lens,
    *,
    required: bool,
    seed: int = 0,
) -> Fitted:
    """Learn every flag; equal arguments give equal heads.

    Args:
        x: (n, features).
        sets: the flags of each row.
        groups: rows of one group (a family) are held out together.
        required: at least one flag is always on.

    Returns:
        A head whose probabilities are those of each flag; its temperature is the power of their
        product that says how often a whole set is right.

    Raises:
        ValueError: there are too few labels (`too_few_flags`).
    """
    why = too_few_flags(sets, groups)
    if why:
        raise ValueError(why)
    flags = flags_of(sets)
    target = np.array([[flag in one for flag in flags] for one in sets], dtype=np.float32)
    fold = folds_of(groups, ["+".join(sorted(one)) for one in sets], seed)
    held = np.zeros_like(target)
    for number in range(FOLDS):
        out = fold == number
        if out.any() and not out.all():
            held[out] = grow_shares(
                x[~out], target[~out], seed=seed, trees=HELD_OUT_TREES
            ).probabilities(x[out])
    most = max(len(one) for one in sets)
    head = Head(flags, lens, {}, _empty(), 0.0, 1.0, of_flags=True, most=most, required=required)
    said = [sets_of(head, row)[0] for row in held]
    right = np.array([set(a) == set(b) for a, b in zip(said, sets, strict=True)])
    whole = np.array([_whole(row, a, head) for row, a in zip(held, said, strict=True)])
    losses = [_log_loss(whole**power, right) for power in POWERS]
    power = float(POWERS[int(np.argmin(losses))])
    forest = grow_shares(x, target, seed=seed)
    head = Head(flags, lens, {}, forest, 0.0, power, of_flags=True, most=most, required=required)
    sure = (whole**power).astype(np.float32)
    metrics = {
        "labels": len(sets),
        "values": {flag: int(column.sum()) for flag, column in zip(flags, target.T, strict=True)},
        "accuracy": round(float(right.mean()), 4),
        "most_frequent": round(_most_frequent(sets), 4),
        "confidence": round(float(sure.mean()), 4),
        "coverage_at_98": round(coverage(sure, right), 4),
        "power": round(power, 4),
    }
    return Fitted(head, held, metrics)


def sets_of(head: Head, shares: NDArray[np.floating]) -> tuple[list[str], float]:
    """The likeliest flags of one row of probabilities, and how sure it is that they are right."""
    order = np.argsort(-shares, kind="stable")[: head.most]
    on = [int(at) for at in order if shares[at] >= 0.5]
    if head.required and not on:
        on = [int(order[0])]
    said = sorted(head.classes[at] for at in on)
    return said, min(SURE_MOST, _whole(shares, said, head) ** head.temperature)


def _whole(shares: NDArray[np.floating], said: Sequence[str], head: Head) -> float:
    """The product over all flags, as if they were independent."""
    on = np.array([flag in said for flag in head.classes])
    each = np.where(on, shares, 1 - shares)
    return float(np.prod(np.clip(each, 0.005, 1.0)))


def _log_loss(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    inside = np.clip(sure, 1e-4, 1 - 1e-4)
    return float(-np.where(right, np.log(inside), np.log(1 - inside)).mean())


def _most_frequent(sets: Sequence[Sequence[str]]) -> float:
    keys = ["+".join(sorted(one)) for one in sets]
    return max(keys.count(key) for key in set(keys)) / len(keys)


def _empty() -> Forest:
    none = np.zeros(0, np.int32)
    return Forest(none, none, none, none, np.zeros(0), np.zeros((0, 0), np.float32))
