"""The frontier of a crawl: which pages of a source are known, and how far we are with them.

A round reads each page once. It ends when every page is done (or the source's limit of images is
reached); the next one opens all pages again, and asks only for changes.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from lowdiff.catalog.bulk import insert_missing
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.leases import is_dead, this_worker
from lowdiff.catalog.tables import CrawlPage, Rejection

UNFINISHED = ("open", "leased", "failed")
CHUNK = 500
RAW = {"synchronize_session": False}
"""Nobody reads the changed rows in the same session."""


@dataclass(frozen=True)
class LeasedPage:
    """A page that one crawler works on; free of the database."""

    id: int
    url: str
    depth: int
    etag: str | None
    last_modified: str | None
    rules_hash: str | None
    images: int


@dataclass(frozen=True)
class PageEnd:
    """How a page ended."""

    state: str
    """`done`, `rejected` or `failed`."""
    images: int = 0
    links: Sequence[str] = ()
    """Pages to which it leads."""
    etag: str | None = None
    last_modified: str | None = None
    rules_hash: str | None = None
    error: str | None = None
    retry_at: datetime | None = None


def new_crawler() -> str:
    """A name for one crawler: several may work in one process."""
    return f"{uuid.uuid4().hex[:8]}/{this_worker()}"


def open_round(
    session: Session, source: str, start_urls: Sequence[str], *, max_images: int, now: datetime
) -> bool:
    """Go on with the round that is under way, or begin the next one.

    Run it in a write transaction. What failed is opened again.

    Returns:
        True when a new round begins.
    """
    starts = [_row(source, url, depth=0) for url in start_urls]
    insert_missing(session, CrawlPage, starts, key=("source", "url"))
    mine = CrawlPage.source == source
    first = select(CrawlPage.id).where(mine).order_by(CrawlPage.id).limit(1)
    session.execute(first.with_for_update())  # of those who come at once, one begins the round
    unfinished = select(func.count()).where(mine, CrawlPage.state.in_(UNFINISHED))
    is_over = not session.scalar(unfinished) or images_offered(session, source) >= max_images
    leased = select(func.count()).where(mine, _held(session, source, now))
    begins = is_over and not session.scalar(leased)
    again = mine if begins else mine & (CrawlPage.state == "failed")
    opened = {"state": "open", "lease_owner": None, "lease_until": None}
    session.execute(update(CrawlPage).where(again).values(opened), execution_options=RAW)
    return begins


def forget_pages(session: Session, source: str, urls: Collection[str]) -> None:
    """Drop pages that the source's rules name no more, and why they were refused."""
    for some in chunks(sorted(urls), CHUNK):
        for table in (CrawlPage, Rejection):
            session.execute(
                delete(table).where(table.source == source, table.url.in_(some)),
                execution_options=RAW,
            )


def known_pages(session: Session, source: str) -> list[str]:
    """Addresses of all pages of a source."""
    return list(session.scalars(select(CrawlPage.url).where(CrawlPage.source == source)))


def lease_pages(
    session: Session, source: str, *, crawler: str, most: int, lease_s: float, now: datetime
) -> list[LeasedPage]:
    """Take pages that nobody works on, nearest to the start first; run it in a write transaction.

    A lease ends with its time or with the process that held it.
    """
    free = (
        select(CrawlPage)
        .where(
            CrawlPage.source == source,
            CrawlPage.state.in_(("open", "leased")),
            ~_held(session, source, now),
            or_(CrawlPage.retry_at.is_(None), CrawlPage.retry_at <= now),
        )
        .order_by(CrawlPage.depth, CrawlPage.id)
        .limit(most)
        .with_for_update(skip_locked=True)  # SQLite has one writer at a time and no such words
    )
    mine = []
    for row in session.scalars(free):
        row.state, row.lease_owner = "leased", crawler
        row.lease_until = now + timedelta(seconds=lease_s)
        mine.append(
            LeasedPage(
                id=row.id,
                url=row.url,
                depth=row.depth,
                etag=row.etag,
                last_modified=row.last_modified,
                rules_hash=row.rules_hash,
                images=row.images,
            )
        )
    session.flush()
    return mine


def held_by_others(session: Session, source: str, *, now: datetime) -> int:
    """Pages that living crawlers are reading: they may lead to more."""
    return session.scalar(select(func.count()).where(_held(session, source, now))) or 0


def finish_page(
    session: Session,
    source: str,
    page: LeasedPage,
    end: PageEnd,
    *,
    crawler: str,
    max_pages: int,
    now: datetime,
) -> bool:
    """Write down how a leased page ended, and the pages it leads to as far as there is room.

    Returns:
        False when the lease was lost to another crawler: then nothing is written.
    """
    row = session.get(CrawlPage, page.id, with_for_update=True)
    if row is None or row.state != "leased" or row.lease_owner != crawler:
        return False
    row.state, row.error, row.retry_at = end.state, end.error, end.retry_at
    row.lease_owner = row.lease_until = None
    if end.state == "done":
        row.etag, row.last_modified, row.images = end.etag, end.last_modified, end.images
        row.rules_hash, row.fetched_at = end.rules_hash, now
    session.flush()
    if end.links:
        _add_links(session, source, end.links, depth=page.depth + 1, max_pages=max_pages)
    return True


def give_back_pages(session: Session, source: str, *, crawler: str) -> None:
    """Open what a crawler has leased and not finished."""
    session.execute(
        update(CrawlPage)
        .where(
            CrawlPage.source == source,
            CrawlPage.state == "leased",
            CrawlPage.lease_owner == crawler,
        )
        .values(state="open", lease_owner=None, lease_until=None),
        execution_options=RAW,
    )


def images_offered(session: Session, source: str) -> int:
    """Images on the pages that this round has read."""
    query = select(func.coalesce(func.sum(CrawlPage.images), 0)).where(
        CrawlPage.source == source, CrawlPage.state == "done"
    )
    return int(session.scalar(query) or 0)


def pages_by_state(session: Session, source: str) -> dict[str, int]:
    """State → number of pages of a source."""
    query = select(CrawlPage.state, func.count()).where(CrawlPage.source == source)
    return {row[0]: row[1] for row in session.execute(query.group_by(CrawlPage.state))}


def _add_links(
    session: Session, source: str, links: Sequence[str], *, depth: int, max_pages: int
) -> None:
    known: set[str] = set()
    for some in chunks(links, CHUNK):
        query = select(CrawlPage.url).where(CrawlPage.source == source, CrawlPage.url.in_(some))
        known.update(session.scalars(query))
        _come_nearer(session, source, some, depth=depth)
    number = session.scalar(select(func.count()).where(CrawlPage.source == source)) or 0
    new = [url for url in dict.fromkeys(links) if url not in known]
    rows = [_row(source, url, depth=depth) for url in new[: max(0, max_pages - number)]]
    insert_missing(session, CrawlPage, rows, key=("source", "url"))


def _come_nearer(session: Session, source: str, urls: Sequence[str], *, depth: int) -> None:
    """Pages that are known and are found again on a shorter way."""
    query = (
        select(CrawlPage)
        .where(CrawlPage.source == source, CrawlPage.url.in_(urls), CrawlPage.depth > depth)
        .with_for_update(skip_locked=True)
    )
    for row in session.scalars(query):
        row.depth = depth
    session.flush()


def _row(source: str, url: str, *, depth: int) -> dict[str, object]:
    return {"source": source, "url": url, "depth": depth, "state": "open", "images": 0}


def _held(session: Session, source: str, now: datetime) -> ColumnElement[bool]:
    """A condition: leased, the lease not over, its holder alive as far as we can tell."""
    leased = (CrawlPage.source == source) & (CrawlPage.state == "leased")
    owners = session.scalars(select(CrawlPage.lease_owner).where(leased).distinct())
    # the dead are named, not the living: somebody new may come between the two queries
    dead = [one for one in owners if one and is_dead(one.partition("/")[2])]
    return leased & CrawlPage.lease_owner.not_in(dead) & (CrawlPage.lease_until >= now)
