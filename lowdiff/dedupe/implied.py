"""Copies of one picture are copies of each other, however little two of them look alike.

A crop and a stamped copy may share too little to be told from variants; a picture that is surely
near to both tells it.
"""

from collections import defaultdict
from collections.abc import Mapping

SURE = 0.9
"""Only ties as sure as this carry on: one wrong tie would carry many."""


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
