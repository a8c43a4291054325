"""From what was seen to probabilities of near, variant and distinct.

Five small gradient-boosted forests (Friedman 2001, "Greedy Function Approximation: A Gradient
Boosting Machine"), fitted by `benchmarks/fit_twins.py` with the log loss on generated templates,
half of OpenMoji and half of the groups of real pairs, so that their answers are probabilities;
monotone where sense demands it: more conflict never makes a pair nearer. The other halves tell
how well they do.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Relation = Literal["near", "variant", "distinct"]
Question = Literal["glance", "related", "near", "copy", "variant"]
"""Is the pair worth the first look (by the glance)? Worth a closer one (by the first)? Worth the
finest (by the evidence)? Is it one picture (by evidence and finest look)? Is it a variant (by the
evidence) if it is not?"""


@dataclass(frozen=True)
class Comparison:
    """What two images are to each other."""

    relation: Relation
    score: float
    """Probability in [0, 1] that the relation holds."""


def probability(question: Question, vector: NDArray[np.float64]) -> float:
    """That the answer is yes: the logistic of the sum of the trees' leaves."""
    return float(probabilities(question, vector[None])[0])


def probabilities(question: Question, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same for many at once (n, numbers)."""
    forest = _forests()[question]
    rows = np.arange(len(vectors))[:, None]
    at = np.broadcast_to(forest.roots, (len(vectors), len(forest.roots)))
    for _ in range(forest.depth):  # a leaf leads to itself
        right = vectors[rows, forest.feature[at]] > forest.threshold[at]
        at = forest.children[at, right.astype(np.intp)]
    total = forest.base + forest.value[at].sum(1)
    return np.asarray(1 / (1 + np.exp(-np.clip(total, -40, 40))), np.float64)


def yes_from(question: Question) -> float:
    """The probability from which the answer is taken as yes; chosen on what was learned from."""
    return _forests()[question].yes_from


class _Forest:
    """All trees of one question as arrays over their nodes."""

    def __init__(self, packed: dict[str, Any]) -> None:
        self.yes_from = float(packed["yes_from"])
        self.base = float(packed["base"])
        self.depth = max(map(_depth, packed["trees"]))
        nodes = [node for tree in packed["trees"] for node in tree]
        sizes = [len(tree) for tree in packed["trees"]]
        self.roots = np.cumsum([0, *sizes[:-1]])
        first = np.repeat(self.roots, sizes)
        own = np.arange(len(nodes))
        # a node is [feature, threshold, left, right]; a leaf is [value]
        leaf = [len(node) == 1 for node in nodes]
        self.value = np.array([node[0] if len(node) == 1 else 0.0 for node in nodes])
        self.feature = np.where(leaf, 0, [int(node[0]) for node in nodes])
        self.threshold = np.array([np.inf if len(node) == 1 else node[1] for node in nodes])
        below = [
            np.where(leaf, own, first + [0 if len(node) == 1 else node[side] for node in nodes])
            for side in (2, 3)
        ]
        self.children = np.stack(below, 1)


def _depth(tree: list[list[float]], at: int = 0) -> int:
    node = tree[at]
    return 0 if len(node) == 1 else 1 + max(_depth(tree, int(below)) for below in node[2:])


@cache
def _forests() -> dict[str, _Forest]:
    text = (files("lowdiff.dedupe") / "verdict.json").read_text(encoding="utf-8")
    packed = json.loads(text)
    return {question: _Forest(packed[question]) for question in packed if question != "fields"}
