"""The fetch queue: what sources offer, and how far we are with it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.leases import is_dead, this_worker
from lowdiff.catalog.tables import Find, Rejection

UNFINISHED = ("open", "leased", "failed")
CHUNK = 500


@dataclass(frozen=True)
class Offer:
    """Something that a source offers now."""

    url: str
    page_url: str | None = None
    hints: dict[str, Any] = field(default_factory=dict)
    """What the source says of it: title, alt_text, tags, …"""
    stamp: str | None = None
    """Changes when the content does (a file's size and time); None: the source cannot tell."""


def enqueue(session: Session, source: str, offers: Iterable[Offer], *, now: datetime) -> int:
    """Put the offers into the queue, each address only once; returns how many are new.

    A finished find is opened again only when its stamp has changed.
    """
    fresh = {offer.url: offer for offer in reversed(list(offers))}  # the first mention counts
    new = 0
    for urls in chunks(sorted(fresh), CHUNK):
        query = select(Find).where(Find.source == source, Find.url.in_(urls))
        rows = {row.url: row for row in session.scalars(query)}
        for url in urls:
            offer, row = fresh[url], rows.get(url)
            if row is None:
                session.add(_new_find(source, offer, now))
                new += 1
            elif offer.stamp is not None and offer.stamp != row.etag:
                _reopen(row, offer, now)
        session.flush()
    return new


def unfinished_ids(session: Session, sources: Sequence[str]) -> list[int]:
    """Finds that have still to be fetched, in the order of their discovery."""
    query = select(Find.id).where(Find.source.in_(sources), Find.state.in_(UNFINISHED))
    return list(session.scalars(query.order_by(Find.id)))


def reopen_rejected(session: Session, sources: Sequence[str], *, now: datetime) -> int:
    """Open the rejected finds again; returns how many."""
    rejected = select(Find.id).where(Find.source.in_(sources), Find.state == "rejected")
    ids = list(session.scalars(rejected))
    for some in chunks(ids, CHUNK):
        session.execute(update(Find).where(Find.id.in_(some)).values(state="open", updated_at=now))
    return len(ids)


def claim_finds(
    session: Session, find_ids: Sequence[int], *, now: datetime, lease_s: float
) -> list[Find]:
    """Lease those of the finds that nobody else works on or has finished.

    Run it in a write transaction; a lease ends with its time or with the process that held it.
    """
    mine: list[Find] = []
    for some in chunks(find_ids, CHUNK):
        query = select(Find).where(Find.id.in_(some), Find.state.in_(UNFINISHED)).order_by(Find.id)
        for row in session.scalars(query):
            if row.state == "leased" and _is_held(row, now):
                continue
            row.state, row.updated_at = "leased", now
            row.lease_owner, row.lease_until = this_worker(), now + timedelta(seconds=lease_s)
            mine.append(row)
    session.flush()
    return mine


def finish_find(
    session: Session,
    find_id: int,
    *,
    state: str,
    now: datetime,
    image_id: str | None = None,
    error: str | None = None,
    etag: str | None = None,
    last_modified: str | None = None,
) -> None:
    """Write down how a leased find ended: `done`, `rejected` or `failed`; its lease ends."""
    row = session.get_one(Find, find_id)
    row.state, row.image_id, row.error, row.updated_at = state, image_id, error, now
    row.attempts += 1
    row.lease_owner = row.lease_until = None
    row.etag = etag or row.etag
    row.last_modified = last_modified or row.last_modified


def release_finds(session: Session, find_ids: Sequence[int], *, now: datetime) -> None:
    """Give back what this process has leased and not finished."""
    for some in chunks(find_ids, CHUNK):
        session.execute(
            update(Find)
            .where(Find.id.in_(some), Find.state == "leased", Find.lease_owner == this_worker())
            .values(state="open", lease_owner=None, lease_until=None, updated_at=now)
        )


def forget_refusals(session: Session, source: str, *, still: Collection[str]) -> None:
    """Drop rejections of pages and folders (never queued themselves) that can be read again."""
    queued = select(Find.url).where(Find.source == source)
    query = select(Rejection).where(Rejection.source == source, Rejection.url.not_in(queued))
    for row in session.scalars(query):
        if row.url not in still:
            session.delete(row)


def counts_by_state(session: Session, source: str) -> dict[str, int]:
    """State → number of finds of a source."""
    query = select(Find.state, func.count()).where(Find.source == source).group_by(Find.state)
    return {row[0]: row[1] for row in session.execute(query)}


def _new_find(source: str, offer: Offer, now: datetime) -> Find:
    return Find(
        source=source,
        url=offer.url,
        page_url=offer.page_url,
        hints=offer.hints,
        state="open",
        etag=offer.stamp,
        updated_at=now,
    )


def _reopen(row: Find, offer: Offer, now: datetime) -> None:
    row.page_url, row.hints, row.etag = offer.page_url, offer.hints, offer.stamp
    row.updated_at = now
    if row.state != "leased":
        row.state = "open"


def _is_held(row: Find, now: datetime) -> bool:
    if row.lease_until is None or row.lease_until < now or row.lease_owner is None:
        return False
    return row.lease_owner != this_worker() and not is_dead(row.lease_owner)


def rejections_of(session: Session, source: str | None = None) -> list[Rejection]:
    """What was refused, of one source or of all, in a stable order."""
    query = select(Rejection).order_by(Rejection.source, Rejection.url)
    if source is not None:
        query = query.where(Rejection.source == source)
    return list(session.scalars(query))
