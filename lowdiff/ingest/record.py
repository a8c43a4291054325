"""Write down how finds ended: image, sighting and rejection rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.images import add_image, add_rejection
from lowdiff.catalog.queue import finish_find
from lowdiff.catalog.tables import Find, Image, Sighting
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.facts import ImageFacts


@dataclass(frozen=True)
class Claimed:
    """A find that this process works on; free of the database."""

    id: int
    source: str
    url: str
    page_url: str | None
    hints: dict[str, Any]
    stamp: str | None

    @classmethod
    def of(cls, row: Find) -> "Claimed":
        """Copy a row."""
        return cls(row.id, row.source, row.url, row.page_url, dict(row.hints), row.etag)


@dataclass(frozen=True)
class Kept:
    """The original lies in the store."""

    find: Claimed
    image_id: str
    size_bytes: int
    facts: ImageFacts
    licence: str
    attribution: str
    evidence: dict[str, Any]
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True)
class Refused:
    """It can never work."""

    find: Claimed
    refusal: InputError


@dataclass(frozen=True)
class Failed:
    """Its source failed; the next run tries again."""

    find: Claimed
    failure: ServiceError


Outcome = Kept | Refused | Failed


def record(session: Session, outcomes: Sequence[Outcome], *, now: datetime) -> int:
    """Keep the outcomes and end their leases; returns how many images are new."""
    new = 0
    for outcome in outcomes:
        if isinstance(outcome, Kept):
            new += _record_kept(session, outcome, now)
        elif isinstance(outcome, Refused):
            _record_refused(session, outcome, now)
        else:
            finish_find(
                session, outcome.find.id, state="failed", now=now, error=str(outcome.failure)
            )
    return new


def _record_kept(session: Session, kept: Kept, now: datetime) -> bool:
    find, facts = kept.find, kept.facts
    image = Image(
        id=kept.image_id,
        pixel_hash=facts.pixel_hash,
        format=facts.format,
        width_px=facts.width_px,
        height_px=facts.height_px,
        size_bytes=kept.size_bytes,
        has_alpha=facts.has_alpha,
        embedded=dict(facts.embedded),
        created_at=now,
    )
    said = _said(find.hints, kept)
    sighting = Sighting(
        image_id=kept.image_id, source=find.source, url=find.url, seen_at=now, **said
    )
    sighting.page_url = find.page_url
    is_new = add_image(session, image, sighting)
    _refresh(session, sighting, said)
    finish_find(
        session,
        find.id,
        state="done",
        now=now,
        image_id=kept.image_id,
        etag=kept.etag or find.stamp,
        last_modified=kept.last_modified,
    )
    return is_new


def _said(hints: dict[str, Any], kept: Kept) -> dict[str, Any]:
    """What the source says of the image, as columns of a sighting."""
    extra = {key: hints[key] for key in ("caption", "page_title") if key in hints}
    return {
        "licence": kept.licence,
        "attribution": kept.attribution,
        "title": hints.get("title"),
        "alt_text": hints.get("alt_text"),
        "tags": list(hints.get("tags", [])),
        "evidence": {**kept.evidence, **extra},
    }


def _refresh(session: Session, sighting: Sighting, said: dict[str, Any]) -> None:
    """A source that was read again may say something else of the same image."""
    row = session.scalar(
        select(Sighting).where(
            Sighting.source == sighting.source,
            Sighting.url == sighting.url,
            Sighting.image_id == sighting.image_id,
        )
    )
    if row is not None and row is not sighting:
        for key, value in said.items():
            setattr(row, key, value)


def _record_refused(session: Session, refused: Refused, now: datetime) -> None:
    find, refusal = refused.find, refused.refusal
    add_rejection(
        session,
        source=find.source,
        url=find.url,
        reason=refusal.reason,
        message=str(refusal),
        now=now,
    )
    finish_find(session, find.id, state="rejected", now=now, error=str(refusal), etag=find.stamp)
