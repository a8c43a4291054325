"""Correct a mistake in many labels at once: a query, a new value, and why.

A correction writes history, like everything else: one `adjudicated` statement an image, which
counts above every other. Nothing is overwritten.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.images import sightings_of
from lowdiff.catalog.label_tables import CorrectionMark, LabelCorrection
from lowdiff.catalog.labels import Label, append_events, current_labels
from lowdiff.catalog.tables import Image, LabelEvent
from lowdiff.errors import InputError
from lowdiff.labels.accept.evidence import CORRECTION, family_of, is_same
from lowdiff.labels.schema import Field, Schema, validate_value

CHUNK = 400
PLACES = ("source", "drafter", "by", "origin", "image")
"""What a query may ask for beside the fields: a source that has the image; of the label that is to
be replaced the drafter without version, the actor, the origin; the beginning of the image's id."""


@dataclass(frozen=True)
class Replaced:
    """A label that is wrong."""

    image_id: str
    old: Any
    by: str
    """Who said it."""


@dataclass(frozen=True)
class Correction:
    """What would be replaced by what."""

    query: Mapping[str, str]
    field: str
    value: Any
    replaced: tuple[Replaced, ...]


@dataclass(frozen=True)
class Mark:
    """Something that was made with the old value."""

    kind: str
    """`dataset` or `run`."""
    target: str
    """Digest of the dataset version, or id of the run."""
    images: int


def plan_correction(
    session: Session, schema: Schema, *, where: Sequence[str], change: str
) -> Correction:
    """Find the labels that a correction would replace; writes nothing.

    Args:
        where: conditions `name=value`, all of which hold; a name is a field or one of PLACES.
        change: `field=value`; several flags with commas between them, none as `field=`.

    Raises:
        InputError: a condition or the change is none, or not allowed by the schema.
    """
    field, value = parse_change(schema, change)
    name = field.name
    query = dict(_condition(schema, text) for text in where)
    if not query:
        raise InputError(
            "a correction",
            "needs at least one condition",
            reason="bad_query",
            do=f"Say which images: --where {name}=… or --where source=….",
        )
    replaced: list[Replaced] = []
    ids = list(session.scalars(select(Image.id).order_by(Image.id)))
    for some in chunks(ids, CHUNK):
        labels = current_labels(session, some)
        sources = _sources(session, some) if "source" in query else {}
        for image_id in some:
            said = labels.get(image_id, {})
            present = said.get(name)
            if present is None or is_same(field, present.value, value):
                continue
            if _fits(query, schema, image_id, said, present, sources.get(image_id, set())):
                replaced.append(Replaced(image_id, present.value, present.actor))
    return Correction(query, name, value, tuple(replaced))


def parse_change(schema: Schema, change: str) -> tuple[Field, Any]:
    """`field=value` as a field and its value; several flags with commas between them.

    Raises:
        InputError: it is none, or not allowed by the schema.
    """
    name, text = _split(change)
    field = _field(schema, name, allowed=schema.names)
    value = _value(field, text)
    validate_value(field, value)
    return field, value


def apply_correction(
    session: Session,
    correction: Correction,
    *,
    schema: Schema,
    marks: Sequence[Mark],
    actor: str,
    reason: str,
    now: datetime,
) -> str:
    """Write the history of a correction and what it affects; returns the correction's id.

    Args:
        marks: what was made with the old value.
        actor: who decided it.
    """
    identity = str(uuid.uuid4())
    session.add(
        LabelCorrection(
            id=identity,
            query=dict(correction.query),
            field=correction.field,
            value=correction.value,
            images=len(correction.replaced),
            actor=actor,
            reason=reason,
            made_at=now,
        )
    )
    session.flush()
    session.add_all(
        CorrectionMark(
            correction_id=identity, kind=mark.kind, target=mark.target, images=mark.images
        )
        for mark in marks
    )
    append_events(
        session,
        [
            LabelEvent(
                image_id=one.image_id,
                field=correction.field,
                value=correction.value,
                origin="adjudicated",
                actor=actor,
                confidence=None,
                schema_version=schema.version,
                annotation_key=f"{CORRECTION}{identity}",
                created_at=now,
            )
            for one in correction.replaced
        ],
    )
    return identity


def list_corrections(session: Session) -> list[dict[str, Any]]:
    """Every correction with what it affects, oldest first."""
    marks: dict[str, list[CorrectionMark]] = {}
    for mark in session.scalars(select(CorrectionMark).order_by(CorrectionMark.id)):
        marks.setdefault(mark.correction_id, []).append(mark)
    query = select(LabelCorrection).order_by(LabelCorrection.made_at, LabelCorrection.id)
    columns = ("id", "query", "field", "value", "images", "actor", "reason", "made_at")
    return [
        {name: getattr(row, name) for name in columns}
        | {
            "affected": [
                {"kind": mark.kind, "target": mark.target, "images": mark.images}
                for mark in marks.get(row.id, [])
            ]
        }
        for row in session.scalars(query)
    ]


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(
            repr(text), "is no condition or change", reason="bad_query", allowed="name=value"
        )
    return name.strip(), value.strip()


def _condition(schema: Schema, text: str) -> tuple[str, str]:
    name, value = _split(text)
    if name in PLACES:
        return name, value
    field = _field(schema, name, allowed=(*schema.names, *PLACES))
    if field.kind != "text":
        validate_value(field, _value(field, value))
    return name, value


def _field(schema: Schema, name: str, *, allowed: Sequence[str]) -> Field:
    if name not in schema.names:
        raise InputError(
            repr(name), "is nothing that labels say", reason="bad_query", allowed=", ".join(allowed)
        )
    return schema.field(name)


def _value(field: Field, text: str) -> Any:
    if field.kind in ("choice", "text"):
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _fits(
    query: Mapping[str, str],
    schema: Schema,
    image_id: str,
    said: Mapping[str, Label],
    present: Label,
    sources: set[str],
) -> bool:
    facts = {
        "drafter": family_of(present.actor),
        "by": present.actor,
        "origin": present.origin,
    }
    for name, wanted in query.items():
        if name == "source":
            fits = wanted in sources
        elif name == "image":
            fits = image_id.startswith(wanted)
        elif name in facts:
            fits = facts[name] == wanted
        else:
            fits = name in said and _says(schema.field(name), said[name].value, wanted)
        if not fits:
            return False
    return True


def _says(field: Field, value: Any, wanted: str) -> bool:
    """A list says each of its values, and `name=` asks for the empty one."""
    if isinstance(value, list):
        parts = _value(field, wanted)
        return set(parts) <= set(value) if parts else not value
    return is_same(field, value, wanted)


def _sources(session: Session, ids: Sequence[str]) -> dict[str, set[str]]:
    found = sightings_of(session, ids)
    return {image_id: {seen.source for seen in some} for image_id, some in found.items()}
