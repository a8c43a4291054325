"""What every annotator said of every image: the rows that agreement and reports rest on.

The annotators saw a draft, so they agree more than people who begin with an empty form would.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.label_tables import LabelWithdrawal
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.accept.evidence import CORRECTION

HUMAN = "human"


@dataclass(frozen=True)
class Rating:
    """What one person said last of one field of one image."""

    event_id: int
    """Its place in the history."""
    image_id: str
    field: str
    actor: str
    value: Any
    annotation: str
    """Label Studio's annotation without its revision."""
    seconds: float | None
    """For the whole annotation, with breaks."""


def read_ratings(session: Session) -> list[Rating]:
    """The last word of every annotator on everything, in the order of the history.

    Deleted annotations and corrections by query do not count.
    """
    event = LabelEvent
    query = (
        select(
            event.id, event.image_id, event.field, event.actor, event.value, event.annotation_key,
            event.lead_time_s,
        )
        .outerjoin(LabelWithdrawal, LabelWithdrawal.annotation_key == event.annotation_key)
        .where(
            event.origin == HUMAN,
            event.annotation_key.is_not(None),
            event.annotation_key.not_like(f"{CORRECTION}%"),
            LabelWithdrawal.annotation_key.is_(None),
        )
        .order_by(event.id)
    )  # fmt: skip
    found = {
        (row.image_id, row.field, row.actor): Rating(
            row.id, row.image_id, row.field, row.actor, row.value,
            annotation_of(str(row.annotation_key)), row.lead_time_s,
        )
        for row in session.execute(query)
    }  # fmt: skip
    return sorted(found.values(), key=lambda rating: rating.event_id)


def annotation_of(key: str) -> str:
    """`<annotation>:<revision>@<project>` without the revision."""
    number, _, place = key.partition("@")
    return f"{number.split(':')[0]}@{place}"


def by_image(ratings: Iterable[Rating]) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Field → image id → annotator → value."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for rating in ratings:
        found.setdefault(rating.field, {}).setdefault(rating.image_id, {})[rating.actor] = (
            rating.value
        )
    return found
