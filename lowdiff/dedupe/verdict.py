"""From evidence to probabilities of near, variant and distinct.

Two small gradient-boosted forests (Friedman 2001, "Greedy Function Approximation: A Gradient
Boosting Machine"), fitted by `benchmarks/fit_twins.py` with the log loss on generated templates
and half of the groups of real pairs, so that their answers are probabilities; monotone where
sense demands it: more conflict never makes a pair nearer. The other half tells how well they do.
"""

import json
import math
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.evidence import Evidence

NEAR_AT = 0.5
"""Probability of near from which a pair is near."""
VARIANT_AT = 0.85
"""Probability of variant, given that the pair is not near, from which it is one."""


def probabilities(found: Evidence) -> tuple[float, float]:
    """Probability of near, and of variant given that it is not near."""
    vector = found.vector()
    forests = _forests()
    return _probability(forests["near"], vector), _probability(forests["variant"], vector)


@cache
def _forests() -> dict[str, Any]:
    text = (files("lowdiff.dedupe") / "verdict.json").read_text(encoding="utf-8")
    forests: dict[str, Any] = json.loads(text)
    return forests


def _probability(forest: dict[str, Any], vector: NDArray[np.float64]) -> float:
    """The logistic of the sum of the trees' leaves."""
    total = float(forest["base"])
    for tree in forest["trees"]:
        at = 0
        # a node is [feature, threshold, left, right]; a leaf is [value]
        while len(node := tree[at]) > 1:
            at = node[2] if vector[node[0]] <= node[1] else node[3]
        total += node[0]
    return 1 / (1 + math.exp(-max(min(total, 40.0), -40.0)))
