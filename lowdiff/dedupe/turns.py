"""Candidates are compared the likeliest first, so that what follows from them need not be."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, repeat

from lowdiff.dedupe.implied import Item, Known
from lowdiff.dedupe.verdict import Comparison

TURNS = (1, 1, 2, 4)
"""How many candidates of one image are compared in the first turns; then come all the rest.

A copy is nearly always among the two likeliest, and what it is to others the image is too."""


def compare_in_turns(
    likeness: Mapping[tuple[Item, Item], float],
    known: Known[Item],
    judge: Callable[[Sequence[tuple[Item, Item]]], Sequence[Comparison]],
) -> tuple[dict[tuple[Item, Item], Comparison], int]:
    """What the candidates are to each other, by comparison or by what is known.

    The answers depend on the pairs and on what is known alone, not on how `judge` shares its work.

    Args:
        likeness: (earlier image, later image) → how likely it is that they belong together.
        known: what was found before; grows by what is found now.
        judge: compares pairs.

    Returns:
        Every pair with what it is, and how many of them followed from others.
    """
    waiting: dict[Item, deque[tuple[Item, Item]]] = defaultdict(deque)
    for pair in sorted(likeness, key=lambda pair: (-likeness[pair], pair)):
        waiting[pair[1]].append(pair)
    told: dict[tuple[Item, Item], Comparison] = {}
    implied = 0
    for most in chain(TURNS, repeat(len(likeness))):
        asked: list[tuple[Item, Item]] = []
        for pairs in waiting.values():
            left = most
            while pairs and left:
                pair = pairs.popleft()
                if (found := known.implied(*pair)) is None:
                    asked.append(pair)
                    left -= 1
                else:
                    told[pair] = found
                    known.note(*pair, found)
                    implied += 1
        if not asked:
            return told, implied
        for pair, found in zip(asked, judge(asked), strict=True):
            told[pair] = found
            known.note(*pair, found)
    raise AssertionError("the turns never end")
