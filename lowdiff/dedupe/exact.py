"""Exact twins: files that show the same decoded pixels, whatever their bytes and metadata."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import Catalog, utc_now
from lowdiff.catalog.tables import DuplicateEdge, Image

KIND = "exact"
METHOD_VERSION = "pixel-hash/1"
CHUNK = 400


@dataclass(frozen=True)
class FamilyCounts:
    """All images of the catalog, after linking."""

    images: int
    families: int
    twins: int
    """Images that show what another image of a smaller id shows already."""


def link_families(catalog: Catalog, now: Callable[[], datetime] = utc_now) -> FamilyCounts:
    """Give every new image its family and connect exact twins; safe to run again.

    The id of a family is the pixel hash of its members: it stays the same however the catalog
    grows. Edges go from the smallest image id of a family to each other member (score 1), so
    that they depend on the images alone and not on the order in which they came.
    """
    with catalog.read() as session:
        query = select(Image.pixel_hash).where(Image.family_id.is_(None)).distinct()
        hashes = sorted(session.scalars(query))
    for some in chunks(hashes, CHUNK):
        with catalog.write() as session:
            _link(session, some, now())
    with catalog.read() as session:
        images = session.scalar(select(func.count()).select_from(Image)) or 0
        families = session.scalar(select(func.count(func.distinct(Image.family_id)))) or 0
        twins = select(func.count()).where(DuplicateEdge.kind == KIND)
        return FamilyCounts(images, families, session.scalar(twins) or 0)


def _link(session: Session, hashes: Sequence[str], now: datetime) -> None:
    groups: dict[str, list[Image]] = {}
    query = select(Image).where(Image.pixel_hash.in_(hashes)).order_by(Image.id)
    for image in session.scalars(query):
        groups.setdefault(image.pixel_hash, []).append(image)
    for pixel_hash, images in groups.items():
        # a family that was given before stays, and its new twins join it
        given = next((image.family_id for image in images if image.family_id), pixel_hash)
        for image in images:
            image.family_id = image.family_id or given
        if len(images) > 1:
            _connect(session, [image.id for image in images], now)


def _connect(session: Session, ids: Sequence[str], now: datetime) -> None:
    first = ids[0]
    for some in chunks(ids, CHUNK):
        touched = or_(DuplicateEdge.a_id.in_(some), DuplicateEdge.b_id.in_(some))
        session.execute(
            delete(DuplicateEdge).where(
                DuplicateEdge.kind == KIND, touched, DuplicateEdge.a_id != first
            )
        )
    known = set(
        session.scalars(
            select(DuplicateEdge.b_id).where(
                DuplicateEdge.a_id == first, DuplicateEdge.kind == KIND
            )
        )
    )
    session.add_all(
        DuplicateEdge(
            a_id=first,
            b_id=other,
            kind=KIND,
            score=1.0,
            method_version=METHOD_VERSION,
            created_at=now,
        )
        for other in ids[1:]
        if other not in known
    )
