"""What people have said of drafts: the samples that calibration and audits rest on.

A sample is one draft of one field that a person has judged by looking at the image. The draft is
the one that was there before the person spoke. Where a drafter has drafted an audited image again,
that statement is the sample: audited labels are never learned from nor passed on, so it is as blind
as the first one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, case, func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.label_tables import LabelWithdrawal
from lowdiff.catalog.labels import MACHINES, PEOPLE, current_label, current_labels
from lowdiff.catalog.tables import Image, LabelEvent
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.calibrate import Calibration, fit
from lowdiff.labels.schema import Field, Schema

CHUNK = 400
ANY = "any"
"""In place of a drafter's name: all drafters of a field together."""
CORRECTION = "correction:"
"""Begins the annotation key of a correction by query: nobody looked at that image."""


@dataclass(frozen=True)
class Sample:
    """A draft that a person has judged."""

    image_id: str
    field: str
    by: str
    """The drafter with its version."""
    confidence: float
    right: bool
    is_audit: bool
    said_at: int
    """Place of the person's first word in the history: the order of samples."""

    @property
    def family(self) -> str:
        """The drafter without its version."""
        return family_of(self.by)


def family_of(actor: str) -> str:
    """The drafter without its version."""
    return actor.split("/")[0]


def gather_samples(
    session: Session, schema: Schema, *, audit_share: float, audits_only: bool = False
) -> list[Sample]:
    """All judged drafts that may ever be accepted, in the order in which people judged them."""
    judged = select(current_label.c.image_id).where(current_label.c.origin.in_(PEOPLE)).distinct()
    ids = [one for one in session.scalars(judged) if not audits_only or is_audit(one, audit_share)]
    samples: list[Sample] = []
    for some in chunks(sorted(ids), CHUNK):
        samples += _samples_of(session, some, schema, audit_share)
    return sorted(samples, key=lambda sample: (sample.said_at, sample.field))


def waiting_audits(
    session: Session, schema: Schema, *, audit_share: float
) -> dict[tuple[str, str], list[float]]:
    """(field, family) → confidences of drafts on audited images that no person has judged yet."""
    found: dict[tuple[str, str], list[float]] = {}
    ids = [one for one in session.scalars(select(Image.id)) if is_audit(one, audit_share)]
    for some in chunks(sorted(ids), CHUNK):
        for labels in current_labels(session, some).values():
            for name, label in labels.items():
                if label.is_human or name not in schema.names:
                    continue
                if may_be_accepted(schema.field(name), label.value):
                    pair = name, family_of(label.actor)
                    found.setdefault(pair, []).append(label.confidence or 0.0)
    return found


def learn_calibration(samples: Sequence[Sample]) -> Calibration:
    """Calibrators from the samples that are not audited."""
    by_drafter: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        if not sample.is_audit:
            by_drafter.setdefault((sample.field, sample.family), []).append(sample)
    fitted = {
        pair: fit([sample.confidence for sample in some], [sample.right for sample in some])
        for pair, some in by_drafter.items()
    }
    return Calibration({pair: found for pair, found in fitted.items() if found})


def may_be_accepted(field: Field, value: Any) -> bool:
    """Whether a machine's value can ever count after an audit.

    Free text needs a person, always. That there is none is a statement like a choice, where the
    field may be empty.
    """
    return not field.free or (value == "" and not field.required)


def is_same(field: Field, one: Any, other: Any) -> bool:
    """True when two values of a field say the same: order and white space do not count."""
    if isinstance(one, list) and isinstance(other, list):
        return set(one) == set(other)
    if field.kind == "text":
        return (one or "").split() == (other or "").split()
    return bool(one == other)


def _samples_of(
    session: Session, ids: Sequence[str], schema: Schema, audit_share: float
) -> list[Sample]:
    said = current_labels(session, ids)
    first = _first_words(session, ids)
    drafts = _drafts(session, ids)
    samples = []
    for (image_id, name), said_at in first.items():
        label = said[image_id].get(name)
        if name not in schema.names or label is None or not label.is_human:
            continue
        field, audit = schema.field(name), is_audit(image_id, audit_share)
        draft = _judged(drafts.get((image_id, name), ()), said_at, again=audit)
        if draft is None or not may_be_accepted(field, draft.value):
            continue
        if _major(draft.schema_version) != _major(label.schema_version):
            continue  # the same word may mean something else
        right = is_same(field, draft.value, label.value)
        sure = draft.confidence or 0.0
        samples.append(Sample(image_id, name, draft.actor, sure, right, audit, said_at))
    return samples


def _major(version: str) -> str:
    return version.split(".")[0]


def _first_words(session: Session, ids: Sequence[str]) -> dict[tuple[str, str], int]:
    """(image id, field) → where a person who saw the image first spoke; some word of it counts.

    A word that was withdrawn, or said again under a newer schema, was a word: what machines said
    after it they may have learned from it.
    """
    event = LabelEvent
    query = (
        select(event.image_id, event.field, func.min(event.id))
        .outerjoin(LabelWithdrawal, LabelWithdrawal.annotation_key == event.annotation_key)
        .where(
            event.image_id.in_(ids),
            event.origin.in_(PEOPLE),
            event.annotation_key.is_not(None),
            event.annotation_key.not_like(f"{CORRECTION}%"),
        )
        .group_by(event.image_id, event.field)
        .having(func.sum(case((LabelWithdrawal.annotation_key.is_(None), 1), else_=0)) > 0)
    )
    return {(row[0], row[1]): int(row[2]) for row in session.execute(query)}


def _drafts(
    session: Session, ids: Sequence[str]
) -> Mapping[tuple[str, str], Sequence[Row[tuple[Any, ...]]]]:
    event = LabelEvent
    query = (
        select(
            event.id, event.image_id, event.field, event.value, event.origin, event.actor,
            event.confidence, event.schema_version,
        )
        .where(event.image_id.in_(ids), event.origin.in_(MACHINES))
        .order_by(event.id)
    )  # fmt: skip
    found: dict[tuple[str, str], list[Row[tuple[Any, ...]]]] = {}
    for row in session.execute(query):
        found.setdefault((row.image_id, row.field), []).append(row)
    return found


def _judged(
    drafts: Sequence[Row[tuple[Any, ...]]], said_at: int, *, again: bool
) -> Row[tuple[Any, ...]] | None:
    """The newest draft before a person spoke, or where it is allowed the newest one after."""
    counted = [draft for draft in drafts if again or draft.id < said_at]
    return counted[-1] if counted else None
