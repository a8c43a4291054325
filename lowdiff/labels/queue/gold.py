"""Gold: known answers, mixed into the queue and told by nothing on the screen.

A known answer also counts above what annotators say of that image, so that a careless answer on
gold harms no dataset. Nobody is measured on an answer of their own.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lowdiff.catalog.bulk import upsert
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.label_tables import GoldItem, LabelWithdrawal
from lowdiff.catalog.labels import append_events, current_labels
from lowdiff.catalog.tables import LabelEvent
from lowdiff.errors import InputError
from lowdiff.labels.accept.evidence import CORRECTION, is_same
from lowdiff.labels.quality.ratings import Rating
from lowdiff.labels.schema import Schema, applies, validate_value

KEY = ("image_id", "field")
GOLD = f"{CORRECTION}gold:"
"""Begins the annotation key of a known answer: nobody drew that image by lot, so what it says of
drafts is no audit."""


@dataclass(frozen=True)
class GoldAnswer:
    """A known answer."""

    image_id: str
    field: str
    value: Any
    made_by: str
    made_at: datetime


@dataclass(frozen=True)
class GoldScore:
    """How often an annotator gave the known answer."""

    asked: int
    right: int

    @property
    def share(self) -> float:
        """In [0, 1]."""
        return self.right / self.asked


def list_gold(session: Session) -> list[GoldAnswer]:
    """All known answers, by image and field."""
    query = select(GoldItem).order_by(GoldItem.image_id, GoldItem.field)
    return [
        GoldAnswer(row.image_id, row.field, row.value, row.made_by, row.made_at)
        for row in session.scalars(query)
    ]


def gold_fields(session: Session) -> dict[str, tuple[str, ...]]:
    """Image id → the fields whose answer is known: what its task must ask, whoever labelled it."""
    found: dict[str, tuple[str, ...]] = {}
    for answer in list_gold(session):
        found[answer.image_id] = (*found.get(answer.image_id, ()), answer.field)
    return found


def add_gold(
    session: Session,
    image_id: str,
    values: Mapping[str, Any],
    *,
    schema: Schema,
    made_by: str,
    now: datetime,
) -> int:
    """Make answers known, instead of earlier ones; returns how many.

    Raises:
        InputError: a value does not fit the schema, or nothing is said.
    """
    if not values:
        raise InputError(
            image_id,
            "no answer is known",
            reason="no_answer",
            do="Give answers with --set field=value, or --from-human once a person labelled it.",
        )
    for name, value in values.items():
        validate_value(schema.field(name), value)
    rows = [
        {"image_id": image_id, "field": name, "value": value, "made_by": made_by, "made_at": now}
        for name, value in values.items()
    ]
    upsert(session, GoldItem, rows, key=KEY, update=("value", "made_by", "made_at"))
    key = f"{GOLD}{uuid.uuid4().hex}"
    append_events(
        session,
        [
            LabelEvent(
                image_id=image_id,
                field=name,
                value=value,
                origin="adjudicated",
                actor=made_by,
                confidence=None,
                schema_version=schema.version,
                annotation_key=key,
                created_at=now,
            )
            for name, value in values.items()
        ],
    )
    return len(rows)


def human_answers(session: Session, image_id: str, schema: Schema) -> dict[str, dict[str, Any]]:
    """Annotator → field → value: what people say of an image now."""
    said = current_labels(session, [image_id]).get(image_id, {})
    values = {name: label.value for name, label in said.items()}
    found: dict[str, dict[str, Any]] = {}
    for name, label in said.items():
        if label.is_human and name in schema.names and applies(schema.field(name), values):
            found.setdefault(label.actor, {})[name] = label.value
    return found


def remove_gold(session: Session, image_ids: Sequence[str], *, now: datetime) -> int:
    """Forget known answers; they do not count any more. Returns how many there were."""
    removed = 0
    for some in chunks(image_ids, 400):
        removed += len(list(session.scalars(_items(some))))
        session.execute(delete(GoldItem).where(GoldItem.image_id.in_(some)))
        keys = session.scalars(
            select(LabelEvent.annotation_key)
            .where(LabelEvent.image_id.in_(some), LabelEvent.annotation_key.like(f"{GOLD}%"))
            .distinct()
        )
        for key in sorted(str(key) for key in keys):
            session.merge(
                LabelWithdrawal(annotation_key=key, withdrawn_at=now, reason="gold removed")
            )
    return removed


def gold_scores(
    session: Session, ratings: Sequence[Rating], schema: Schema
) -> dict[str, dict[str, GoldScore]]:
    """Annotator → field → how often they gave the answer that somebody else made known."""
    known = {(one.image_id, one.field): one for one in list_gold(session)}
    asked: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for rating in ratings:
        answer = known.get((rating.image_id, rating.field))
        if answer is None or answer.made_by == rating.actor or rating.field not in schema.names:
            continue
        place = rating.actor, rating.field
        asked[place] += 1
        right[place] += is_same(schema.field(rating.field), rating.value, answer.value)
    found: dict[str, dict[str, GoldScore]] = {}
    for actor, field in sorted(asked):
        found.setdefault(actor, {})[field] = GoldScore(asked[actor, field], right[actor, field])
    return found


def _items(image_ids: Sequence[str]) -> Any:
    return select(GoldItem.field).where(GoldItem.image_id.in_(image_ids))
