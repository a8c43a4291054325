"""Which ties bind a family: a chain of look-alikes does not, a template's dense web does.

Copies (exact, near, and all that a person has tied) always bind. Variants bind group to group
only where enough of their pairs are tied, as in average-linkage clustering (Sokal and Michener
1958, "A statistical method for evaluating systematic relationships"): of one template nearly
every pair is found to be a variant, of a hundred yellow faces each resembles only a few others.
"""

from collections import defaultdict
from collections.abc import Mapping

from lowdiff.catalog.duplicates import Edge

Pair = tuple[str, str]

DENSE = 0.34
"""Share of the pairs between two groups of pictures that must be tied for the groups to join."""
PERSON = "person"
"""Stands as the method of a tie that a person has made."""


def binding_ties(ties: Mapping[Pair, Edge]) -> set[Pair]:
    """The pairs that bind: all copies, and variants within a dense group.

    The result depends on the ties alone, not on their order.
    """
    always = {pair for pair, edge in ties.items() if _always(edge)}
    picture = _pictures(ties, always)
    clusters = _Clusters()
    strongest: dict[Pair, float] = {}
    for (a, b), edge in ties.items():
        one, other = sorted((picture[a], picture[b]))
        if one != other:
            strongest[one, other] = max(edge.score, strongest.get((one, other), 0.0))
    clusters.tie(strongest)
    waiting = sorted(strongest, key=lambda pair: (-strongest[pair], pair))
    joined = True
    while joined:  # a group that has grown may be dense enough for a tie passed over before
        joined = False
        left = []
        for pair in waiting:
            if clusters.join_if_dense(*pair):
                joined = True
            elif not clusters.together(*pair):
                left.append(pair)
        waiting = left
    return {
        (a, b) for a, b in ties if (a, b) in always or clusters.together(picture[a], picture[b])
    }


def _always(edge: Edge) -> bool:
    return edge.kind != "variant" or edge.method_version == PERSON


def _pictures(ties: Mapping[Pair, Edge], always: set[Pair]) -> dict[str, str]:
    """Image → the smallest image that shows the same picture."""
    above = {one: one for pair in ties for one in pair}

    def root(one: str) -> str:
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for a, b in always:
        one, other = sorted((root(a), root(b)))
        above[other] = one
    return {one: root(one) for one in above}


class _Clusters:
    """Groups of pictures, and how many pairs are tied between any two groups."""

    def __init__(self) -> None:
        self._group: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._tied: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def tie(self, pairs: Mapping[Pair, float]) -> None:
        """Begin with every picture alone."""
        for a, b in pairs:
            for one in (a, b):
                self._group[one] = one
                self._members[one] = [one]
            self._tied[a][b] += 1
            self._tied[b][a] += 1

    def together(self, a: str, b: str) -> bool:
        """Whether two pictures are in one group."""
        return self._group.get(a, a) == self._group.get(b, b)

    def join_if_dense(self, a: str, b: str) -> bool:
        """Join the groups of two pictures when they are tied densely enough."""
        one, other = sorted((self._group[a], self._group[b]))
        if one == other:
            return False
        pairs = len(self._members[one]) * len(self._members[other])
        if self._tied[one][other] < DENSE * pairs:
            return False
        for member in self._members.pop(other):
            self._group[member] = one
            self._members[one].append(member)
        for third, number in self._tied.pop(other).items():
            del self._tied[third][other]
            if third != one:
                self._tied[one][third] += number
                self._tied[third][one] += number
        return True
