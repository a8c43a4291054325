"""The append-only history of labels, and the label that counts now."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    case,
    func,
    select,
)
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.tables import LabelEvent

PEOPLE = ("adjudicated", "human")
"""A person's word counts before any machine's, and a decision on a dispute before both."""
MACHINES = ("propagated", "rule", "model")
"""Among machines the newest statement counts: only the best draft is ever appended."""

current_label = Table(
    "current_label",  # a view: see migration 0003
    MetaData(),
    Column("event_id", Integer, primary_key=True),
    Column("image_id", String(64)),
    Column("field", String(64)),
    Column("value", JSON),
    Column("origin", String(16)),
    Column("actor", String(128)),
    Column("confidence", Float),
    Column("schema_version", String(16)),
    Column("annotation_key", String(64)),
    Column("lead_time_s", Float),
    Column("created_at", DateTime),
)


@dataclass(frozen=True)
class Label:
    """The label of one field of one image that counts now."""

    value: Any
    origin: str
    actor: str
    confidence: float | None
    schema_version: str
    created_at: datetime

    @property
    def is_human(self) -> bool:
        """True when a person said it."""
        return self.origin in PEOPLE


def event_key(event: LabelEvent, previous: LabelEvent | None = None) -> str:
    """Digest of what makes a statement unique.

    A statement of an annotation is unique by annotation and field; any other by what it says and
    by what was said before it, so that drafting again adds nothing, but going back to an earlier
    value is a statement of its own.

    Args:
        previous: the statement before it, if that says something else.
    """
    if event.annotation_key:
        parts = [event.annotation_key, event.image_id, event.field]
    else:
        parts = [event.image_id, event.field, *_said(event)]
        parts += [previous.event_key] if previous else []
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def append_events(session: Session, events: Iterable[LabelEvent]) -> int:
    """Add the statements that are not in the history yet; returns how many were new."""
    events = list(events)
    last = _last_said(session, sorted({e.image_id for e in events if not e.annotation_key}))
    fresh: dict[str, LabelEvent] = {}
    for event in events:
        previous = None
        if not event.annotation_key:
            place = (event.image_id, event.field, _voice(event.origin))
            previous = last.get(place)
            if previous is not None and _said(previous) == _said(event):
                continue
            last[place] = event
        event.event_key = event_key(event, previous)
        fresh.setdefault(event.event_key, event)
    known: set[str] = set()
    for some in chunks(list(fresh), 500):
        known.update(
            session.scalars(select(LabelEvent.event_key).where(LabelEvent.event_key.in_(some)))
        )
    new = [event for key, event in fresh.items() if key not in known]
    session.add_all(new)
    session.flush()
    return len(new)


def _voice(origin: str) -> str:
    """Machines speak with one voice: their newest statement counts, whatever its kind."""
    return "machine" if origin in MACHINES else origin


def _said(event: LabelEvent) -> tuple[str, ...]:
    said = json.dumps(event.value, sort_keys=True, ensure_ascii=False)
    sure = "" if event.confidence is None else f"{event.confidence:.6f}"
    return (event.origin, event.actor, event.schema_version, said, sure)


def _last_said(
    session: Session, image_ids: Sequence[str]
) -> dict[tuple[str, str, str], LabelEvent]:
    """(image id, field, voice) → the newest statement that belongs to no annotation."""
    found: dict[tuple[str, str, str], LabelEvent] = {}
    for some in chunks(image_ids, 500):
        newest = (
            select(func.max(LabelEvent.id))
            .where(LabelEvent.image_id.in_(some), LabelEvent.annotation_key.is_(None))
            .group_by(
                LabelEvent.image_id,
                LabelEvent.field,
                case((LabelEvent.origin.in_(MACHINES), "machine"), else_=LabelEvent.origin),
            )
        )
        for event in session.scalars(select(LabelEvent).where(LabelEvent.id.in_(newest))):
            found[event.image_id, event.field, _voice(event.origin)] = event
    return found


def current_labels(
    session: Session, image_ids: Sequence[str] | None = None
) -> dict[str, dict[str, Label]]:
    """Image id → field → the label that counts now."""
    columns = current_label.c
    query = select(current_label).order_by(columns.image_id, columns.field)
    if image_ids is not None:
        query = query.where(columns.image_id.in_(image_ids))
    found: dict[str, dict[str, Label]] = {}
    for row in session.execute(query):
        found.setdefault(row.image_id, {})[row.field] = Label(
            value=row.value,
            origin=row.origin,
            actor=row.actor,
            confidence=row.confidence,
            schema_version=row.schema_version,
            created_at=row.created_at,
        )
    return found


def human_fields(session: Session) -> dict[str, set[str]]:
    """Image id → the fields that people have said."""
    columns = current_label.c
    query = select(columns.image_id, columns.field).where(columns.origin.in_(PEOPLE))
    found: dict[str, set[str]] = {}
    for image_id, field in session.execute(query):
        found.setdefault(image_id, set()).add(field)
    return found


def counts_by_origin(session: Session) -> dict[str, dict[str, int]]:
    """Field → origin → number of images whose present label is of that origin."""
    columns = current_label.c
    query = select(columns.field, columns.origin, func.count()).group_by(
        columns.field, columns.origin
    )
    found: dict[str, dict[str, int]] = {}
    for field, origin, number in session.execute(query):
        found.setdefault(field, {})[origin] = number
    return found
