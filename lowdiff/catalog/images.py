"""Rows about images: what was found, where, and what was refused."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.bulk import CHUNK, Row, insert_missing, upsert
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.tables import Base, Image, Rejection, Sighting

ID = ("id",)
PLACE = ("source", "url")
PLACE_OF_IMAGE = ("source", "url", "image_id")
SAID = ("licence", "attribution", "title", "alt_text", "tags", "evidence", "page_url")
"""What a source that is read again may say anew of the same image."""

UNKNOWN_LICENCE = "NOASSERTION"
"""SPDX's word for "nobody said": neither labeled nor exported unless asked."""


def add_image(session: Session, image: Image, sighting: Sighting) -> bool:
    """Keep an image and where it was found; both only once.

    Returns:
        True when the image is new to the catalog.
    """
    return bool(add_images(session, [values_of(image)], [values_of(sighting)]))


def add_images(session: Session, images: Sequence[Row], sightings: Sequence[Row]) -> set[str]:
    """Keep images and where they were found; returns the ids that are new.

    A place that was seen before with the same image says now what the new row says. What was
    refused at these places is forgotten.
    """
    new = insert_missing(session, Image, list({row["id"]: row for row in images}.values()), key=ID)
    upsert(session, Sighting, sightings, key=PLACE_OF_IMAGE, update=SAID)
    forget_rejections(session, [(row["source"], row["url"]) for row in sightings])
    return {row[0] for row in new}


def add_rejection(
    session: Session,
    *,
    source: str,
    url: str,
    reason: str,
    message: str,
    now: datetime,
    evidence: Mapping[str, Any] | None = None,
) -> None:
    """Remember why an item was refused; a later verdict replaces an earlier one."""
    row = {"source": source, "url": url, "reason": reason, "message": message}
    add_rejections(session, [{**row, "evidence": dict(evidence or {}), "rejected_at": now}])


def add_rejections(session: Session, rejections: Sequence[Row]) -> None:
    """Remember many refusals: `source`, `url`, `reason`, `message`, `evidence`, `rejected_at`."""
    columns = ("reason", "message", "evidence", "rejected_at")
    upsert(session, Rejection, rejections, key=PLACE, update=columns)


def forget_rejections(session: Session, places: Sequence[tuple[str, str]]) -> None:
    """Drop the refusals of places (source, url) whose image is taken now."""
    for source in sorted({source for source, _url in places}):
        for urls in chunks(sorted(url for name, url in places if name == source), CHUNK):
            session.execute(
                delete(Rejection).where(Rejection.source == source, Rejection.url.in_(urls))
            )


def values_of(row: Base) -> dict[str, Any]:
    """The columns of a row that were set."""
    return {key: value for key, value in vars(row).items() if not key.startswith("_")}


def images_by_id(session: Session, image_ids: Sequence[str]) -> dict[str, Image]:
    """Id → row of the images asked for."""
    query = select(Image).where(Image.id.in_(image_ids))
    return {image.id: image for image in session.scalars(query)}


def sightings_of(session: Session, image_ids: Sequence[str]) -> dict[str, list[Sighting]]:
    """Image id → its sightings, the first one first."""
    query = select(Sighting).where(Sighting.image_id.in_(image_ids)).order_by(Sighting.id)
    found: dict[str, list[Sighting]] = {image_id: [] for image_id in image_ids}
    for sighting in session.scalars(query):
        found[sighting.image_id].append(sighting)
    return found


def best_sighting(sightings: Iterable[Sighting]) -> Sighting | None:
    """The sighting to go by: a known licence first, then one with title or alt text."""
    ranked = sorted(
        sightings,
        key=lambda row: (
            row.licence == UNKNOWN_LICENCE,
            not (row.title or row.alt_text),
            row.id,
        ),
    )
    return ranked[0] if ranked else None


def licensed_ids() -> Select[str]:
    """The ids of images that were seen under a known licence somewhere."""
    return select(Sighting.image_id).where(Sighting.licence != UNKNOWN_LICENCE)


def count_unknown_licences(session: Session) -> int:
    """How many images nobody knows a licence of."""
    query = select(func.count()).select_from(Image).where(Image.id.not_in(licensed_ids()))
    return session.scalar(query) or 0


def counts_by_source(session: Session) -> dict[str, dict[str, int]]:
    """Source → `images` and `rejected`."""
    found: dict[str, dict[str, int]] = {}
    seen = select(Sighting.source, func.count(func.distinct(Sighting.image_id))).group_by(
        Sighting.source
    )
    for source, number in session.execute(seen):
        found.setdefault(source, {"images": 0, "rejected": 0})["images"] = number
    refused = select(Rejection.source, func.count()).group_by(Rejection.source)
    for source, number in session.execute(refused):
        found.setdefault(source, {"images": 0, "rejected": 0})["rejected"] = number
    return dict(sorted(found.items()))


def rejections_by_reason(session: Session) -> dict[str, int]:
    """Reason → number of rejections, the most frequent first."""
    query = (
        select(Rejection.reason, func.count())
        .group_by(Rejection.reason)
        .order_by(func.count().desc(), Rejection.reason)
    )
    return {row[0]: row[1] for row in session.execute(query)}
