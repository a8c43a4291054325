"""Labels of people that somebody should look at again, until a person says the field once more."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.bulk import upsert
from lowdiff.catalog.label_tables import SecondLook
from lowdiff.catalog.labels import PEOPLE
from lowdiff.catalog.tables import LabelEvent

KEY = ("image_id", "field")
BLIND = "its audit contradicts a sure draft: asked again, without what was said or drafted"
"""Reason of a second look that shows an empty field: who sees an answer tends to confirm it."""


def ask_again(session: Session, asked: Iterable[tuple[str, str, str]], *, now: datetime) -> int:
    """Ask for second looks at (image id, field, reason); returns how many were not asked yet.

    One that was answered and is asked again is open again.
    """
    rows = {(image_id, field): reason for image_id, field, reason in asked}
    waiting = open_second_looks(session)
    fresh = {key: why for key, why in rows.items() if key[1] not in waiting.get(key[0], {})}
    newest = session.scalar(select(func.max(LabelEvent.id))) or 0
    upsert(
        session,
        SecondLook,
        [
            {
                "image_id": image_id,
                "field": field,
                "reason": reason,
                "after_event": newest,
                "asked_at": now,
            }
            for (image_id, field), reason in fresh.items()
        ],
        key=KEY,
        update=("reason", "after_event", "asked_at"),
    )
    return len(fresh)


def open_second_looks(session: Session) -> dict[str, dict[str, str]]:
    """Image id → field → why a person should look again."""
    return _looks(session, answered=False)


def blind_fields(session: Session) -> dict[str, frozenset[str]]:
    """Image id → fields that a person shall say again without seeing a value."""
    return {
        image_id: frozenset(name for name, why in looks.items() if why == BLIND)
        for image_id, looks in open_second_looks(session).items()
    }


def asked_blind(session: Session) -> set[tuple[str, str]]:
    """(image id, field) of everything that was ever asked so; nothing is asked so twice."""
    query = select(SecondLook.image_id, SecondLook.field).where(SecondLook.reason == BLIND)
    return {(row.image_id, row.field) for row in session.execute(query)}


def answered_second_looks(session: Session) -> set[tuple[str, str]]:
    """(image id, field) of labels that a person has said once more after the question."""
    found = _looks(session, answered=True)
    return {(image_id, field) for image_id, fields in found.items() for field in fields}


def _looks(session: Session, *, answered: bool) -> dict[str, dict[str, str]]:
    later = (
        select(LabelEvent.id)
        .where(
            LabelEvent.image_id == SecondLook.image_id,
            LabelEvent.field == SecondLook.field,
            LabelEvent.id > SecondLook.after_event,
            LabelEvent.origin.in_(PEOPLE),
        )
        .exists()
    )
    query = select(SecondLook).where(later if answered else ~later)
    found: dict[str, dict[str, str]] = {}
    for row in session.scalars(query.order_by(SecondLook.image_id, SecondLook.field)):
        found.setdefault(row.image_id, {})[row.field] = row.reason
    return found
