"""Labels of an older major version of the schema, said again under the new one.

Only people's words are moved; machines draft again (`lowdiff draft`). Nothing is overwritten: a
moved label is a new statement by the same person at the same time, and the annotation that it comes
from is withdrawn, so that what a person has to say again is open again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.label_tables import GoldItem, LabelWithdrawal
from lowdiff.catalog.labels import PEOPLE, append_events
from lowdiff.catalog.tables import LabelEvent
from lowdiff.errors import InputError
from lowdiff.labels.queue.gold import GOLD
from lowdiff.labels.schema import Schema, validate_value
from lowdiff.labels.schema_changes import Migration
from lowdiff.labels.schema_screen import SCREENS, boxes_field

KEPT, MOVED, ASKED, DROPPED, LOST, OVERTAKEN = (
    "kept", "moved", "asked again", "dropped", "lost", "overtaken",
)  # fmt: skip


@dataclass(frozen=True)
class Move:
    """What becomes of one statement of a person."""

    event: LabelEvent
    fate: str
    """`kept` (the same words), `moved`, `asked again`, `dropped`, `lost`, or `overtaken` by what a
    person has said under the new schema already."""
    field: str
    value: Any


@dataclass(frozen=True)
class Tally:
    """How many statements share a fate."""

    fate: str
    field: str
    value: str
    """What was said; empty for texts and rectangles."""
    becomes: str
    labels: int


def plan_migration(session: Session, schema: Schema, migration: Migration) -> list[Move]:
    """What becomes of every statement of people under older major versions; writes nothing.

    A second run after `apply_migration` finds nothing left.
    """
    withdrawn = select(LabelWithdrawal.annotation_key)
    query = (
        select(LabelEvent)
        .where(LabelEvent.origin.in_(PEOPLE))
        .where(
            LabelEvent.annotation_key.is_(None) | LabelEvent.annotation_key.not_in(withdrawn),
        )
        .order_by(LabelEvent.id)
    )
    old: list[LabelEvent] = []
    newest: dict[tuple[str, str, str], LabelEvent] = {}
    said_anew: set[tuple[str, str]] = set()
    for event in session.scalars(query):
        if event.schema_version.split(".")[0] == schema.major:
            said_anew.add((event.image_id, event.field))
        elif event.annotation_key:
            old.append(event)
        else:  # a correction: only the last one of an image and field says anything
            newest[event.image_id, event.field, event.origin] = event
    return [
        _fate(event, schema, migration, said_anew)
        for event in sorted([*old, *newest.values()], key=lambda event: event.id)
        if event.annotation_key or (event.image_id, migration.target(event.field)) not in said_anew
    ]


def tally(moves: Iterable[Move]) -> list[Tally]:
    """Count the moves for a person, what would be lost first."""
    counts: dict[tuple[str, str, str, str], int] = {}
    order = (LOST, ASKED, DROPPED, MOVED, OVERTAKEN, KEPT)
    for move in moves:
        names = {LOST: "", ASKED: "open", DROPPED: "", OVERTAKEN: ""}
        becomes = names.get(move.fate, f"{move.field} {_short(move.value)}".strip())
        key = (move.fate, move.event.field, _short(move.event.value), becomes)
        counts[key] = counts.get(key, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (order.index(item[0][0]), item[0]))
    return [Tally(*key, number) for key, number in ranked]


def refuse_losses(moves: Sequence[Move], schema: Schema) -> None:
    """Stop when labels would be lost.

    Raises:
        InputError: some would; it names every field and value with the number of labels.
    """
    lost = [row for row in tally(moves) if row.fate == LOST]
    if lost:
        raise InputError(
            f"the migration to schema {schema.version}",
            f"would lose {sum(row.labels for row in lost)} labels of people",
            reason="labels_would_be_lost",
            found=", ".join(f"{r.field} {r.value} ({r.labels})".replace("  ", " ") for r in lost),
            do="Say in labeling/migrations where they go: [[field]], [[value]], [[split]] or "
            "[[drop]].",
        )


def apply_migration(
    session: Session, moves: Sequence[Move], *, schema: Schema, now: datetime
) -> int:
    """Append what is moved, withdraw where it came from; returns the number of new statements.

    Raises:
        InputError: labels would be lost; nothing is written.
    """
    refuse_losses(moves, schema)
    moved = [
        LabelEvent(
            image_id=move.event.image_id,
            field=move.field,
            value=move.value,
            origin=move.event.origin,
            actor=move.event.actor,
            confidence=move.event.confidence,
            schema_version=schema.version,
            annotation_key=_new_key(move.event.annotation_key, schema),
            lead_time_s=move.event.lead_time_s,
            created_at=move.event.created_at,
        )
        for move in moves
        if move.fate in (KEPT, MOVED)
    ]
    appended = append_events(session, moved)
    reason = f"said again under schema {schema.version}"
    for key in sorted({move.event.annotation_key or "" for move in moves} - {""}):
        session.add(LabelWithdrawal(annotation_key=key, withdrawn_at=now, reason=reason))
    _move_gold(session, moves)
    return appended


def _move_gold(session: Session, moves: Sequence[Move]) -> None:
    """Known answers go the way of the words that made them known; what is asked again is open."""
    for move in moves:
        if not (move.event.annotation_key or "").startswith(GOLD):
            continue
        old = session.get(GoldItem, (move.event.image_id, move.event.field))
        if old is None:
            continue
        made_by, made_at = old.made_by, old.made_at
        session.delete(old)
        session.flush()
        if move.fate in (KEPT, MOVED):
            moved = GoldItem(
                image_id=move.event.image_id, field=move.field, value=move.value,
                made_by=made_by, made_at=made_at,
            )  # fmt: skip
            session.merge(moved)


def _fate(
    event: LabelEvent, schema: Schema, migration: Migration, said_anew: set[tuple[str, str]]
) -> Move:
    name = migration.target(event.field)
    if event.field in migration.dropped:
        return Move(event, DROPPED, name, None)
    if (event.image_id, name) in said_anew:
        return Move(event, OVERTAKEN, name, None)
    if name in {boxes_field(schema, screen) for screen in SCREENS}:
        known = {label.value for label in schema.boxes.labels}
        fits = all(box.get("label") in known for box in event.value)
        return Move(event, KEPT if fits else LOST, name, event.value)
    if name not in schema.names:
        return Move(event, LOST, name, None)
    said = event.value if isinstance(event.value, list) else [event.value]
    if any((name, value) in migration.split for value in said if isinstance(value, str)):
        # without an annotation there is nothing to withdraw: the old word would go on counting
        return Move(event, ASKED if event.annotation_key else LOST, name, None)
    parts = [migration.values.get((name, v), v) if isinstance(v, str) else v for v in said]
    value = list(dict.fromkeys(parts)) if isinstance(event.value, list) else parts[0]
    try:
        validate_value(schema.field(name), value)
    except InputError:
        return Move(event, LOST, name, None)
    same = name == event.field and value == event.value
    return Move(event, KEPT if same else MOVED, name, value)


def _new_key(key: str | None, schema: Schema) -> str | None:
    """The annotation's key under the new version: the same annotation, told apart."""
    return f"{key}~{schema.major}" if key else None


def _short(value: Any) -> str:
    """A value for a table: choices as they are, texts and rectangles not at all."""
    if isinstance(value, str):
        return value if value and " " not in value and len(value) <= 32 else ""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return ""
