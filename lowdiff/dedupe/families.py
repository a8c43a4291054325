"""Families: images that belong together, by what methods found and persons said. Pure."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lowdiff.catalog.duplicates import Edge, Node
from lowdiff.dedupe.density import PERSON, Pair

APART = "distinct"
GIANT_SHARE = 0.10
"""From this share of the corpus on a family is suspiciously large."""
GIANT_LEAST = 20
"""No family of fewer images is called large, however small the corpus."""


@dataclass(frozen=True)
class Links:
    """Who is tied to whom, after persons' verdicts; keys are (smaller id, larger id)."""

    ties: Mapping[Pair, Edge]
    """Exact, near and variant pairs; where a person said it, the version is `person`."""
    cut: frozenset[Pair]
    """Pairs that a person has called distinct."""

    def same_picture(self) -> dict[Pair, Edge]:
        """The ties between images that show the same picture: exact and near."""
        return {pair: edge for pair, edge in self.ties.items() if edge.kind != "variant"}


_STRONGEST_FIRST = ("exact", "near", "variant")


def links(edges: Iterable[Edge], said: Mapping[Pair, str]) -> Links:
    """Let persons' verdicts (pair → relation) overrule what methods found."""
    ties: dict[Pair, Edge] = {}
    for edge in edges:
        pair = edge.a_id, edge.b_id
        known = ties.get(pair)
        if edge.kind == APART or pair in said:
            continue
        if known is None or _rank(edge) < _rank(known):
            ties[pair] = edge
    for (a, b), relation in said.items():
        if relation != APART:
            ties[a, b] = Edge(a, b, relation, 1.0, PERSON)
    return Links(ties, frozenset(pair for pair, relation in said.items() if relation == APART))


def exact_pairs(nodes: Sequence[Node], cut: frozenset[Pair]) -> list[Pair]:
    """Ties between images with equal pixels, as few as connect them.

    A star from the first one; in a group out of which a person has cut a pair, every other pair,
    so that one cut does not separate more than it says.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        groups[node.pixel_hash].append(node.id)
    wounded = {image_id for pair in cut for image_id in pair}
    ties: list[Pair] = []
    for ids in groups.values():
        ids.sort()
        whole = len(ids) < 3 or wounded.isdisjoint(ids)
        for at, first in enumerate(ids[:1] if whole else ids):
            ties += [(first, other) for other in ids[at + 1 :] if (first, other) not in cut]
    return ties


def assign_families(nodes: Sequence[Node], ties: Iterable[Pair]) -> dict[str, str]:
    """Image id → family id, for every node.

    Families are the connected components of `ties`. A family is called by the smallest pixel hash
    among its images that an export has given a split, else among all of them. So the name does
    not depend on the order in which images came, and what was exported keeps it as the corpus
    grows; when two exported families merge, the smaller name wins. Where a person has cut exact
    twins apart, the second part is called by an image's id: two families never share a name.
    """
    forest = _Forest(node.id for node in nodes)
    for a, b in ties:
        if a in forest and b in forest:
            forest.join(a, b)
    names: dict[str, str] = {}
    taken: set[str] = set()
    families: dict[str, str] = {}
    for node in sorted(nodes, key=lambda one: (one.split is None, one.pixel_hash, one.id)):
        root = forest.root(node.id)
        if root not in names:
            names[root] = node.id if node.pixel_hash in taken else node.pixel_hash
            taken.add(names[root])
        families[node.id] = names[root]
    return families


def path_between(a: str, b: str, ties: Iterable[Pair]) -> list[str]:
    """The shortest chain of ties from `a` to `b`, both included; empty where there is none."""
    beside: dict[str, list[str]] = defaultdict(list)
    for one, other in sorted(ties):
        beside[one].append(other)
        beside[other].append(one)
    came_from: dict[str, str | None] = {a: None}
    waiting = deque([a])
    while waiting and b not in came_from:
        here = waiting.popleft()
        for there in beside[here]:
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    if b not in came_from:
        return []
    chain: list[str] = []
    step: str | None = b
    while step is not None:
        chain.append(step)
        step = came_from[step]
    return chain[::-1]


def is_giant(largest: int, images: int) -> bool:
    """True when the largest family holds so much of the corpus that it should be looked at."""
    return largest >= GIANT_LEAST and largest > GIANT_SHARE * images


def _rank(edge: Edge) -> int:
    return _STRONGEST_FIRST.index(edge.kind)


class _Forest:
    """Union-find with path halving."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._above = {one: one for one in ids}

    def __contains__(self, one: str) -> bool:
        return one in self._above

    def root(self, one: str) -> str:
        above = self._above
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    def join(self, a: str, b: str) -> None:
        one, other = sorted((self.root(a), self.root(b)))
        self._above[other] = one
