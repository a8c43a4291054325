"""The fetch queue: what sources offer, and how far we are. `claims` is its workers' side."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from lowdiff.catalog.bulk import insert_missing
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.tables import Find, Rejection

UNFINISHED = ("open", "leased", "failed")
MAX_FAILURES = 5
"""Runs in a row in which a find may fail before it is left alone."""
CHUNK = 500
RAW = {"synchronize_session": False}
"""Nobody reads the changed rows in the same session."""


@dataclass(frozen=True)
class Offer:
    """Something that a source offers now."""

    url: str
    page_url: str | None = None
    hints: dict[str, Any] = field(default_factory=dict)
    """What the source says of it: title, alt_text, tags, …"""
    stamp: str | None = None
    """Changes when the content does (a file's size and time); None: the source cannot tell."""


@dataclass(frozen=True)
class Outlook:
    """What of some sources waits."""

    later: int
    """Finds whose host asked not to be asked now."""
    retry_at: datetime | None
    """When the first of them may be asked."""
    given_up: int
    """Finds that failed in too many runs; they are tried again only when a person says so."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for reports."""
        retry_at = self.retry_at.isoformat() if self.retry_at else None
        return {"later": self.later, "retry_at": retry_at, "given_up": self.given_up}


def enqueue(session: Session, source: str, offers: Iterable[Offer], *, now: datetime) -> int:
    """Put the offers into the queue, each address only once; returns how many are new.

    A finished find is opened again only when its stamp has changed. Others may offer the same
    addresses at the same moment.
    """
    fresh = {offer.url: offer for offer in reversed(list(offers))}  # the first mention counts
    new = 0
    for urls in chunks(sorted(fresh), CHUNK):
        query = select(Find.url, Find.stamp).where(Find.source == source, Find.url.in_(urls))
        stamps = {row.url: row.stamp for row in session.execute(query)}
        rows = [_new_find(source, fresh[url], now) for url in urls if url not in stamps]
        new += len(insert_missing(session, Find, rows, key=("source", "url")))
        for url in urls:
            offer = fresh[url]
            if url in stamps and offer.stamp is not None and offer.stamp != stamps[url]:
                _reopen(session, source, offer, now)
    return new


def to_do(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What holds for finds that may be fetched now."""
    return (
        Find.state.in_(UNFINISHED),
        or_(Find.retry_at.is_(None), Find.retry_at <= now),
        or_(Find.state != "failed", Find.attempts < MAX_FAILURES),
    )


def unfinished_ids(session: Session, sources: Sequence[str], *, now: datetime) -> list[int]:
    """Finds that may be fetched now, in the order of their discovery."""
    query = select(Find.id).where(Find.source.in_(sources), *to_do(now))
    return list(session.scalars(query.order_by(Find.id)))


def ids_by_source(session: Session, find_ids: Sequence[int]) -> dict[str, list[int]]:
    """Source → its finds among `find_ids`, in their order."""
    source_of: dict[int, str] = {}
    for some in chunks(find_ids, CHUNK):
        query = select(Find.id, Find.source).where(Find.id.in_(some))
        source_of.update((row.id, row.source) for row in session.execute(query))
    found: dict[str, list[int]] = {}
    for find_id in find_ids:
        if find_id in source_of:
            found.setdefault(source_of[find_id], []).append(find_id)
    return found


def outlook(session: Session, sources: Sequence[str], *, now: datetime) -> Outlook:
    """What a run cannot fetch now: hosts that asked for a rest, finds that failed too often."""
    waiting = select(func.count(), func.min(Find.retry_at)).where(
        Find.source.in_(sources), Find.state.in_(UNFINISHED), Find.retry_at > now
    )
    later, retry_at = session.execute(waiting).one()
    tired = select(func.count()).where(
        Find.source.in_(sources), Find.state == "failed", Find.attempts >= MAX_FAILURES
    )
    return Outlook(later, retry_at, session.scalar(tired) or 0)


def reopen_rejected(session: Session, sources: Sequence[str], *, now: datetime) -> int:
    """Open again what was rejected or failed too often; returns how many finds."""
    given_up = and_(Find.state == "failed", Find.attempts >= MAX_FAILURES)
    opened = session.execute(
        update(Find)
        .where(Find.source.in_(sources), or_(Find.state == "rejected", given_up))
        .values(state="open", attempts=0, updated_at=now)
        .returning(Find.id)
    )
    return len(opened.all())


def reopen_for_revisit(
    session: Session, source: str, *, before: datetime, now: datetime, anew: bool = False
) -> int:
    """Open finished finds again that were last fetched before a time; returns how many.

    Args:
        anew: a visit of the whole source: one that was interrupted goes on before the next begins.
    """
    under_way = select(Find.id).where(
        Find.source == source, Find.state.in_(("open", "leased")), Find.image_id.is_not(None)
    )
    if anew and session.scalar(under_way.limit(1)) is not None:
        return 0
    old = or_(Find.fetched_at.is_(None), Find.fetched_at < before)
    opened = session.execute(
        update(Find)
        .where(Find.source == source, Find.state == "done", old)
        .values(state="open", updated_at=now)
        .returning(Find.id)
    )
    return len(opened.all())


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


def _new_find(source: str, offer: Offer, now: datetime) -> dict[str, Any]:
    return {
        "source": source,
        "url": offer.url,
        "page_url": offer.page_url,
        "hints": offer.hints,
        "state": "open",
        "stamp": offer.stamp,
        "updated_at": now,
    }


def _reopen(session: Session, source: str, offer: Offer, now: datetime) -> None:
    """Its content is to be fetched whatever its ETag; a lease that somebody holds stays."""
    session.execute(
        update(Find)
        .where(
            Find.source == source, Find.url == offer.url, Find.stamp.is_distinct_from(offer.stamp)
        )
        .values(
            page_url=offer.page_url,
            hints=offer.hints,
            stamp=offer.stamp,
            state=case((Find.state == "leased", "leased"), else_="open"),
            attempts=0,
            image_id=None,
            etag=None,
            last_modified=None,
            updated_at=now,
        ),
        execution_options=RAW,
    )


def rejections_of(session: Session, source: str | None = None) -> list[Rejection]:
    """What was refused, of one source or of all, in a stable order."""
    query = select(Rejection).order_by(Rejection.source, Rejection.url)
    if source is not None:
        query = query.where(Rejection.source == source)
    return list(session.scalars(query))
