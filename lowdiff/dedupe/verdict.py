"""From what was seen to probabilities of near, variant and distinct.

Four small gradient-boosted forests (Friedman 2001, "Greedy Function Approximation: A Gradient
Boosting Machine"), fitted by `benchmarks/fit_twins.py` with the log loss on generated templates,
half of OpenMoji and half of the groups of real pairs, so that their answers are probabilities;
monotone where sense demands it: more conflict never makes a pair nearer. The other halves tell
how well they do.
"""

import json
import math
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Question = Literal["related", "near", "copy", "variant"]
"""Is the pair worth a closer look (by the first look)? Worth the finest (by the evidence)? Is it
one picture (by evidence and finest look)? Is it a variant (by the evidence) if it is not?"""


def probability(question: Question, vector: NDArray[np.float64]) -> float:
    """That the answer is yes: the logistic of the sum of the trees' leaves."""
    forest = _forests()[question]
    total = float(forest["base"])
    for tree in forest["trees"]:
        at = 0
        # a node is [feature, threshold, left, right]; a leaf is [value]
        while len(node := tree[at]) > 1:
            at = node[2] if vector[node[0]] <= node[1] else node[3]
        total += node[0]
    return 1 / (1 + math.exp(-max(min(total, 40.0), -40.0)))


def yes_from(question: Question) -> float:
    """The probability from which the answer is taken as yes; chosen on what was learned from."""
    return float(_forests()[question]["yes_from"])


@cache
def _forests() -> dict[str, Any]:
    text = (files("lowdiff.dedupe") / "verdict.json").read_text(encoding="utf-8")
    forests: dict[str, Any] = json.loads(text)
    return forests
