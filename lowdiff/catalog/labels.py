"""The append-only history of labels, and the label that counts now."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Float, Integer, MetaData, String, Table, func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.tables import LabelEvent

ORIGINS = ("human", "adjudicated", "propagated", "rule", "model")
"""In order of precedence: a person's word counts before any machine's."""

current_label = Table(
    "current_label",  # a view: see the first migration
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
        return self.origin in ("human", "adjudicated")


def event_key(event: LabelEvent) -> str:
    """Digest of what makes a statement unique.

    A person's statement is unique by annotation and field; a machine's by what it says, so that
    drafting again adds nothing.
    """
    if event.annotation_key:
        parts = [event.annotation_key, event.image_id, event.field]
    else:
        said = json.dumps(event.value, sort_keys=True, ensure_ascii=False)
        parts = [
            event.image_id, event.field, event.origin, event.actor, event.schema_version, said,
            "" if event.confidence is None else f"{event.confidence:.6f}",
        ]  # fmt: skip
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def append_events(session: Session, events: Iterable[LabelEvent]) -> int:
    """Add the statements that are not in the history yet; returns how many were new."""
    fresh: dict[str, LabelEvent] = {}
    for event in events:
        event.event_key = event_key(event)
        fresh.setdefault(event.event_key, event)
    known: set[str] = set()
    keys = list(fresh)
    for start in range(0, len(keys), 500):
        query = select(LabelEvent.event_key).where(
            LabelEvent.event_key.in_(keys[start : start + 500])
        )
        known.update(session.scalars(query))
    new = [event for key, event in fresh.items() if key not in known]
    session.add_all(new)
    session.flush()
    return len(new)


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
