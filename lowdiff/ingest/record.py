"""Write down how finds ended: image, sighting and rejection rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.claims import End, end_finds
from lowdiff.catalog.images import add_images, add_rejections
from lowdiff.catalog.tables import Find, Sighting
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.facts import ImageFacts
from lowdiff.ingest.throttle import RetryLater

GONE = frozenset({"http_404", "http_410"})
"""Reasons that a place gives when it has no image any more."""


@dataclass(frozen=True)
class Claimed:
    """A find that this process works on; free of the database."""

    id: int
    source: str
    url: str
    page_url: str | None
    hints: dict[str, Any]
    stamp: str | None
    attempts: int = 0
    image_id: str | None = None
    """What was found there before: this is another visit."""
    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, row: Find) -> "Claimed":
        """Copy a row."""
        return cls(
            id=row.id,
            source=row.source,
            url=row.url,
            page_url=row.page_url,
            hints=dict(row.hints),
            stamp=row.stamp,
            attempts=row.attempts,
            image_id=row.image_id,
            etag=row.etag,
            last_modified=row.last_modified,
        )


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
class Unchanged:
    """The source says that what we have is still what it has."""

    find: Claimed


@dataclass(frozen=True)
class Refused:
    """It can never work."""

    find: Claimed
    refusal: InputError

    @property
    def reason(self) -> str:
        """Of the rejection; what an earlier visit found and this one does not is `gone`."""
        was_there = self.find.image_id is not None
        return "gone" if was_there and self.refusal.reason in GONE else self.refusal.reason


@dataclass(frozen=True)
class Failed:
    """Its source failed; the next run tries again."""

    find: Claimed
    failure: ServiceError

    @property
    def retry_at(self) -> datetime | None:
        """When its host may be asked again, where the host said so."""
        return self.failure.retry_at if isinstance(self.failure, RetryLater) else None


Outcome = Kept | Unchanged | Refused | Failed


def record(session: Session, outcomes: Sequence[Outcome], *, now: datetime) -> int:
    """Keep the outcomes and end their leases; returns how many images are new.

    A batch costs a handful of statements, however many outcomes it has.
    """
    kept = [one for one in outcomes if isinstance(one, Kept)]
    refused = [one for one in outcomes if isinstance(one, Refused)]
    new = add_images(
        session, [_image(one, now) for one in kept], [_sighting(one, now) for one in kept]
    )
    add_rejections(session, [_rejection(one, now) for one in refused])
    for one in refused:
        if one.find.image_id is not None:
            _tell_sighting(session, one, now)
    end_finds(session, [_end(one) for one in outcomes], now=now)
    return len(new)


def _image(kept: Kept, now: datetime) -> dict[str, Any]:
    facts = kept.facts
    return {
        "id": kept.image_id,
        "pixel_hash": facts.pixel_hash,
        "format": facts.format,
        "width_px": facts.width_px,
        "height_px": facts.height_px,
        "size_bytes": kept.size_bytes,
        "has_alpha": facts.has_alpha,
        "embedded": dict(facts.embedded),
        "created_at": now,
    }


def _sighting(kept: Kept, now: datetime) -> dict[str, Any]:
    """What the source says of the image; what the file says only where the source is silent."""
    hints, embedded = kept.find.hints, kept.facts.embedded
    keys = ("caption", "page_title", "page_optouts")
    extra: dict[str, Any] = {key: hints[key] for key in keys if key in hints}
    if "author" in embedded:
        extra["creator"] = embedded["author"]
    silent = not any(hints.get(key) for key in ("title", "alt_text", "caption"))
    own = (embedded.get("title") or embedded.get("description")) if silent else None
    return {
        "image_id": kept.image_id,
        "source": kept.find.source,
        "url": kept.find.url,
        "page_url": kept.find.page_url,
        "licence": kept.licence,
        "attribution": kept.attribution,
        "title": hints.get("title") or own,
        "alt_text": hints.get("alt_text"),
        "tags": list(hints.get("tags", [])),
        "evidence": {**kept.evidence, **extra},
        "seen_at": now,
    }


def _rejection(refused: Refused, now: datetime) -> dict[str, Any]:
    return {
        "source": refused.find.source,
        "url": refused.find.url,
        "reason": refused.reason,
        "message": str(refused.refusal),
        "evidence": dict(refused.refusal.evidence),
        "rejected_at": now,
    }


def _tell_sighting(session: Session, refused: Refused, now: datetime) -> None:
    """The image of an earlier visit stays; its sighting says what became of its place."""
    find = refused.find
    query = select(Sighting).where(
        Sighting.source == find.source,
        Sighting.url == find.url,
        Sighting.image_id == find.image_id,
    )
    for row in session.scalars(query):
        later = {**refused.refusal.evidence, "verdict": refused.reason, "seen_at": now.isoformat()}
        row.evidence = {**row.evidence, "later": later}
    session.flush()


def _end(outcome: Outcome) -> End:
    find = outcome.find
    if isinstance(outcome, Kept):
        return End(
            find.id,
            "done",
            stamp=find.stamp,
            image_id=outcome.image_id,
            etag=outcome.etag,
            last_modified=outcome.last_modified,
        )
    if isinstance(outcome, Unchanged):
        return End(
            find.id,
            "done",
            stamp=find.stamp,
            image_id=find.image_id,
            etag=find.etag,
            last_modified=find.last_modified,
        )
    if isinstance(outcome, Refused):
        return End(find.id, "rejected", error=str(outcome.refusal), stamp=find.stamp)
    # a host that asks for a rest is not one that fails
    attempts = find.attempts + (outcome.retry_at is None)
    return End(
        find.id, "failed", error=str(outcome.failure), attempts=attempts, retry_at=outcome.retry_at
    )
