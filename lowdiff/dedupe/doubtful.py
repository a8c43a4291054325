"""Which pairs a person should look at: the most doubtful of each relation first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lowdiff.catalog.duplicates import EXACT, Edge, Verdict, edges

KINDS = ("near", "variant", "distinct", EXACT)
"""In the order of the page."""


@dataclass(frozen=True)
class Judged:
    """A pair with what the method and a person say of it."""

    pair: tuple[str, str]
    edge: Edge | None
    verdict: Verdict | None

    @property
    def relation(self) -> str:
        """A person's word counts above the method's."""
        if self.verdict is not None:
            return self.verdict.relation
        assert self.edge is not None
        return self.edge.kind

    @property
    def certainty(self) -> tuple[bool, float, tuple[str, str]]:
        """Orders pairs by doubt: what nobody has judged first, the least sure score first."""
        return self.verdict is not None, self.edge.score if self.edge else 1.0, self.pair


def choose(judged: Sequence[Judged], limit: int) -> dict[str, list[Judged]]:
    """At most `limit` pairs, the most doubtful of each relation; short ones leave their share."""
    waiting: dict[str, list[Judged]] = {kind: [] for kind in KINDS}
    for one in judged:
        waiting[one.relation].append(one)
    chosen: dict[str, list[Judged]] = {kind: [] for kind in KINDS}
    left = limit
    # the relation with the fewest pairs first: what it does not need goes to the others
    for place, kind in enumerate(sorted(KINDS, key=lambda kind: len(waiting[kind]))):
        share = left // (len(KINDS) - place)
        chosen[kind] = sorted(waiting[kind], key=lambda one: one.certainty)[:share]
        left -= len(chosen[kind])
    return chosen


def judged_pairs(session: Session, said: Mapping[tuple[str, str], Verdict]) -> list[Judged]:
    """Every pair once, with its strongest edge and the newest verdict (`said`) on it."""
    found: dict[tuple[str, str], Judged] = {}
    for edge in edges(session, KINDS):
        pair = edge.a_id, edge.b_id
        known = found.get(pair)
        if known is None or edge.kind == EXACT:
            found[pair] = Judged(pair, edge, said.get(pair))
    for pair, verdict in said.items():
        found.setdefault(pair, Judged(pair, None, verdict))
    return list(found.values())
