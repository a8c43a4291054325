"""What a person said of one member of a family, as a draft for its other members.

Copies share everything; near copies all but what a file's quality changes; variants of one
template what the template gives. How often members of a family agree is counted on pairs that
people have labeled and that are about as surely of that kind, from a cautious start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.duplicates import edges_of, verdicts
from lowdiff.catalog.labels import Label, current_labels
from lowdiff.catalog.tables import Image
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.evidence import is_same
from lowdiff.labels.drafts.caption import short_form
from lowdiff.labels.learn.statements import Statement, Statements
from lowdiff.labels.schema import Schema

VERSION = "2"
TWIN_SCORE = 0.98
"""A near copy that is as sure as that is treated as a copy."""
SHARED: Mapping[str, Mapping[str, float]] = {
    "exact": {"caption": 0.98, "transcription": 0.98, "quality": 0.98, "*": 0.99},
    "near": {"quality": 0.5, "*": 0.9},
    "variant": {"caption": 0.5, "palette": 0.85, "flags": 0.85, "*": 0.93},
}
"""Relation → field → how often members agree, before anything is known; `*` is all other fields.
Of 909 variants of a brand set for tuning: palette 0.91, figure size 0.96, the other looks 0.98; of
its families 0.62 show the same thing."""
LEFT_OUT: Mapping[str, frozenset[str]] = {
    "exact": frozenset(),
    "near": frozenset(("caption", "transcription", "flags")),
    "variant": frozenset(("transcription", "quality")),
}
PRIOR_WEIGHT = 6
"""Labeled pairs that the start is worth."""
WEAKER = 0.05
"""Pairs count that are surely of their kind up to so much less."""
CHUNK = 400


@dataclass(frozen=True)
class Relation:
    """Two images of a family; `strength` in [0, 1] is how sure it is that the kind is right."""

    a_id: str
    b_id: str
    kind: str
    strength: float


def family_says(
    session: Session, schema: Schema, image_ids: Sequence[str], *, audit_share: float
) -> Statements:
    """Drafts for images from people's labels of their relatives.

    Labels of audited images are never passed on: what they prove would depend on it.
    """
    relations = read_relations(session, image_ids)
    touched = sorted({one for r in relations for one in (r.a_id, r.b_id)})
    human: dict[str, dict[str, Label]] = {}
    for some in chunks([one for one in touched if not is_audit(one, audit_share)], CHUNK):
        for image_id, labels in current_labels(session, some).items():
            human[image_id] = {n: one for n, one in labels.items() if one.is_human}
    agree = Agreement(relations, human, schema)
    wanted = set(image_ids)
    said: Statements = {}
    for relation in sorted(relations, key=lambda one: -one.strength):
        pair = (relation.a_id, relation.b_id)
        for here, there in (pair, pair[::-1]):
            if there in wanted:
                _pass_on(said, human.get(here, {}), there, relation, agree)
    return said


def relatives_say(session: Session, schema: Schema, *, audit_share: float) -> Statements:
    """The same for all images."""
    ids = session.scalars(select(Image.id).order_by(Image.id)).all()
    return family_says(session, schema, ids, audit_share=audit_share)


def read_relations(session: Session, image_ids: Sequence[str]) -> list[Relation]:
    """All pairs that touch these images and belong together; a person's word counts first."""
    said = verdicts(session)
    found: dict[tuple[str, str], Relation] = {}
    rank = list(SHARED)
    for edge in edges_of(session, image_ids):
        pair = (edge.a_id, edge.b_id)
        if edge.kind not in SHARED or (pair in said and edge.kind != "exact"):
            continue
        twins = edge.kind == "near" and edge.score >= TWIN_SCORE
        one = Relation(*pair, "exact" if twins else edge.kind, edge.score)
        if pair not in found or rank.index(one.kind) < rank.index(found[pair].kind):
            found[pair] = one
    wanted = set(image_ids)
    for pair, verdict in said.items():
        if verdict.relation in SHARED and wanted & set(pair):
            found.setdefault(pair, Relation(*pair, verdict.relation, 1.0))
    return [found[pair] for pair in sorted(found)]


class Agreement:
    """How often two members of a family have the same label, by what people have said."""

    def __init__(
        self,
        relations: Sequence[Relation],
        human: Mapping[str, Mapping[str, Label]],
        schema: Schema,
    ) -> None:
        """Args: human: image id → field → what a person says."""
        self._names = frozenset(schema.names)
        seen: dict[tuple[str, str], list[tuple[float, bool]]] = {}
        for relation in relations:
            a, b = human.get(relation.a_id, {}), human.get(relation.b_id, {})
            for name in a.keys() & b.keys() & self._names:
                right = is_same(schema.field(name), a[name].value, b[name].value)
                seen.setdefault((relation.kind, name), []).append((relation.strength, right))
        self._seen = {
            pair: (
                np.array([strength for strength, _ in sorted(ones)]),
                np.cumsum([right for _, right in sorted(ones)][::-1])[::-1],
            )
            for pair, ones in seen.items()
        }

    def share(self, kind: str, name: str, strength: float) -> float | None:
        """Of pairs of this kind that are at least about as sure, how many agree on a field.

        Returns:
            None for a field that such images do not share.
        """
        start = SHARED[kind].get(name, SHARED[kind].get("*"))
        if start is None or name not in self._names or name in LEFT_OUT[kind]:
            return None
        strengths, same = self._seen.get((kind, name), (np.zeros(0), np.zeros(0)))
        first = int(np.searchsorted(strengths, strength - WEAKER))
        number, right = len(strengths) - first, int(same[first]) if first < len(same) else 0
        return (right + PRIOR_WEIGHT * start * strength) / (number + PRIOR_WEIGHT)


def _pass_on(
    said: Statements,
    labels: Mapping[str, Label],
    to: str,
    relation: Relation,
    agree: Agreement,
) -> None:
    """The nearest relative speaks for each field; others are not heard."""
    for name, label in labels.items():
        share = agree.share(relation.kind, name, relation.strength)
        ones = said.get(to, {}).get(name)
        sure = round(share or 0.0, 4)
        if share is None or (ones and ones[0].confidence >= sure):
            continue
        value: Any = label.value
        if name == "caption" and relation.kind == "variant":
            value = f"{short_form(str(value))}."  # what it shows; the words are others
        one = Statement(value, sure, f"family-{relation.kind}/{VERSION}")
        said.setdefault(to, {})[name] = [one]
