"""Rows about images: what was found, where, and what was refused."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.tables import Image, Rejection, Sighting


def add_image(session: Session, image: Image, sighting: Sighting) -> bool:
    """Keep an image and where it was found; both only once.

    Returns:
        True when the image is new to the catalog.
    """
    is_new = session.get(Image, image.id) is None
    if is_new:
        session.add(image)
        session.flush()
    known = session.scalar(
        select(Sighting).where(
            Sighting.source == sighting.source,
            Sighting.url == sighting.url,
            Sighting.image_id == sighting.image_id,
        )
    )
    if known is None:
        session.add(sighting)
    session.execute(
        delete(Rejection).where(Rejection.source == sighting.source, Rejection.url == sighting.url)
    )
    session.flush()
    return is_new


def add_rejection(
    session: Session, *, source: str, url: str, reason: str, message: str, now: datetime
) -> None:
    """Remember why an item was refused; a later verdict replaces an earlier one."""
    row = session.scalar(select(Rejection).where(Rejection.source == source, Rejection.url == url))
    if row is None:
        row = Rejection(source=source, url=url)
        session.add(row)
    row.reason, row.message, row.rejected_at = reason, message, now
    session.flush()


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
    """The sighting that says most: one with title or alt text before one without."""
    ranked = sorted(sightings, key=lambda row: (not (row.title or row.alt_text), row.id))
    return ranked[0] if ranked else None


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
