"""Copies of one picture are copies of each other, however little two of them look alike.

A crop and a stamped copy may share too little to be told from variants; a picture that is surely
near to both tells it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from lowdiff.dedupe.verdict import Comparison

Item = TypeVar("Item", int, str)
SURE = 0.9
"""Only ties as sure as this carry on: one wrong tie would carry many."""


class Known(Generic[Item]):
    """What was found so far, and what follows from it without a comparison.

    What is surely near to a picture is to others what that picture surely is to them.
    """

    def __init__(self) -> None:
        self._near: dict[Item, dict[Item, float]] = defaultdict(dict)
        self._variant: dict[Item, dict[Item, float]] = defaultdict(dict)

    def note(self, a: Item, b: Item, found: Comparison) -> None:
        """Take in what a pair is; a doubtful tie carries nothing."""
        if found.relation == "distinct" or found.score < SURE:
            return
        ties = self._near if found.relation == "near" else self._variant
        ties[a][b] = ties[b][a] = found.score

    def implied(self, a: Item, b: Item) -> Comparison | None:
        """What a pair surely is by what a third picture is to both; None where none tells."""
        if (near := self._best(a, b, self._near)) >= SURE:
            return Comparison("near", round(near, 4))
        if (variant := self._best(a, b, self._variant)) >= SURE:
            return Comparison("variant", round(variant, 4))
        return None

    def _best(self, a: Item, b: Item, ties: Mapping[Item, Mapping[Item, float]]) -> float:
        return max((*self._ways(a, b, ties), *self._ways(b, a, ties)), default=0.0)

    def _ways(
        self, one: Item, other: Item, ties: Mapping[Item, Mapping[Item, float]]
    ) -> Iterator[float]:
        theirs = ties.get(other)
        copies = self._near.get(one)
        if not theirs or not copies:
            return
        few, many = (copies, theirs) if len(copies) < len(theirs) else (theirs, copies)
        yield from (score * many[third] for third, score in few.items() if third in many)


def implied_ties(near: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Pairs that are near because one picture is surely near to both of them.

    Args:
        near: (smaller number, larger number) → probability of being near, in [0, 1].

    Returns:
        Pairs that are not in `near` → the product of the two ties over the best such picture.
    """
    beside: dict[int, dict[int, float]] = defaultdict(dict)
    for (a, b), score in near.items():
        if score >= SURE:
            beside[a][b] = beside[b][a] = score
    found: dict[tuple[int, int], float] = {}
    for ties in beside.values():
        for a, to_a in ties.items():
            for b, to_b in ties.items():
                if a < b and (a, b) not in near:
                    found[a, b] = max(found.get((a, b), 0.0), round(to_a * to_b, 4))
    return found
