"""Who fetches what: finds of the queue are leased, and end as done, rejected or failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.leases import is_dead, this_worker
from lowdiff.catalog.queue import CHUNK, RAW, to_do
from lowdiff.catalog.tables import Find


@dataclass(frozen=True)
class End:
    """How a leased find ended."""

    find_id: int
    state: str
    """`done`, `rejected` or `failed`."""
    attempts: int = 0
    """Runs in a row in which it failed, this one included."""
    error: str | None = None
    retry_at: datetime | None = None
    stamp: str | None = None
    image_id: str | None = None
    etag: str | None = None
    last_modified: str | None = None


def claim_finds(
    session: Session, find_ids: Sequence[int], *, now: datetime, lease_s: float
) -> list[Find]:
    """Lease those of the finds that may be fetched now and that nobody else works on.

    Run it in a write transaction; a lease ends with its time or with the process that held it.
    """
    mine: list[Find] = []
    for some in chunks(find_ids, CHUNK):
        query = select(Find).where(Find.id.in_(some), *to_do(now)).order_by(Find.id)
        # rows that another claim looks at in this moment are its own
        rows = session.scalars(query.with_for_update(skip_locked=True)).all()
        held = {owner: _is_alive(owner) for owner in {row.lease_owner for row in rows}}
        mine += [row for row in rows if not _is_held(row, now, held)]
    for some in chunks([row.id for row in mine], CHUNK):
        lease = update(Find).where(Find.id.in_(some)).values(_leased(now, lease_s))
        session.execute(lease, execution_options=RAW)
    return mine


def renew_leases(
    session: Session, find_ids: Sequence[int], *, now: datetime, lease_s: float
) -> None:
    """What this process holds of these finds is its own for another `lease_s` seconds."""
    for some in chunks(find_ids, CHUNK):
        session.execute(
            update(Find)
            .where(Find.id.in_(some), Find.state == "leased", Find.lease_owner == this_worker())
            .values(_leased(now, lease_s)),
            execution_options=RAW,
        )


def end_finds(session: Session, ends: Sequence[End], *, now: datetime) -> None:
    """Write down how leased finds ended; a find that another worker took meanwhile is its own."""
    table = cast(Table, Find.__table__)
    mine = update(table).where(
        table.c.id == bindparam("find_id"), table.c.lease_owner == this_worker()
    )
    failed = [_lasting(end, now) for end in ends if end.state == "failed"]
    others = [_ended(end, now) for end in ends if end.state != "failed"]
    for rows in (failed, others):
        if rows:
            session.execute(mine, rows)


def release_finds(session: Session, find_ids: Sequence[int], *, now: datetime) -> None:
    """Give back what this process has leased and not finished."""
    for some in chunks(find_ids, CHUNK):
        session.execute(
            update(Find)
            .where(Find.id.in_(some), Find.state == "leased", Find.lease_owner == this_worker())
            .values(state="open", lease_owner=None, lease_until=None, updated_at=now)
        )


def _leased(now: datetime, lease_s: float) -> dict[str, Any]:
    return {
        "state": "leased",
        "lease_owner": this_worker(),
        "lease_until": now + timedelta(seconds=lease_s),
        "updated_at": now,
    }


def _lasting(end: End, now: datetime) -> dict[str, Any]:
    """What an end changes; of one that failed, what is known of its content stays known."""
    return {
        "find_id": end.find_id,
        "state": end.state,
        "attempts": end.attempts,
        "error": end.error,
        "retry_at": end.retry_at,
        "lease_owner": None,
        "lease_until": None,
        "updated_at": now,
    }


def _ended(end: End, now: datetime) -> dict[str, Any]:
    return {
        **_lasting(end, now),
        "stamp": end.stamp,
        "image_id": end.image_id,
        "etag": end.etag,
        "last_modified": end.last_modified,
        "fetched_at": now,
    }


def _is_alive(owner: str | None) -> bool:
    return owner is not None and owner != this_worker() and not is_dead(owner)


def _is_held(row: Find, now: datetime, alive: Mapping[str | None, bool]) -> bool:
    if row.state != "leased" or row.lease_until is None or row.lease_until < now:
        return False
    return alive[row.lease_owner]
