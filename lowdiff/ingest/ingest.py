"""Fetch what is queued, keep the originals and what is known of them, remember what was refused."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lowdiff.catalog.engine import Catalog, utc_now
from lowdiff.catalog.queue import claim_finds, release_finds
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.outside import Fetched, Outside
from lowdiff.ingest.record import Claimed, Failed, Kept, Outcome, Refused, record
from lowdiff.store import Store, image_key, sha256_hex

COMMIT_EVERY = 32


@dataclass
class IngestReport:
    """How a batch (or, added up, a run) ended."""

    new: int = 0
    """Images that the catalog did not have."""
    known: int = 0
    """Finds whose very bytes the catalog had already."""
    refused: Counter[str] = field(default_factory=Counter)
    """Reason → number of rejections."""
    failed: int = 0
    """Finds that will be tried again by the next run."""
    first_failure: str | None = None

    def add(self, other: "IngestReport") -> None:
        """Add another batch to this one."""
        self.new += other.new
        self.known += other.known
        self.refused += other.refused
        self.failed += other.failed
        self.first_failure = self.first_failure or other.first_failure

    def as_dict(self) -> dict[str, Any]:
        """Plain values for reports."""
        return {
            "new": self.new,
            "known": self.known,
            "refused": dict(sorted(self.refused.items())),
            "failed": self.failed,
        }

    def raise_if_failed(self) -> None:
        """Let the caller retry.

        Raises:
            ServiceError: something is to be tried again.
        """
        if self.failed:
            raise ServiceError(
                "ingest",
                f"{self.failed} items could not be fetched; the first one: {self.first_failure}",
                reason="fetch_failed",
                do="What was fetched is kept; run the same command again to fetch the rest.",
            )


def ingest_batch(
    find_ids: Sequence[int],
    *,
    outside: Outside,
    catalog: Catalog,
    store: Store,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] | None = None,
) -> IngestReport:
    """Fetch each find, decode it within its limits, keep the original byte for byte.

    A refused find is a rejection row, a find whose source fails stays in the queue; both are
    counted in the report. Finds of others' leases or of sources that are not open are passed over.

    Args:
        advance: told how many finds have ended.

    Raises:
        ServiceError: the store or the catalog failed; nothing of the batch is lost, run it again.
    """
    with catalog.write() as session:
        rows = claim_finds(session, find_ids, now=now(), lease_s=lease_s)
        finds = [Claimed.of(row) for row in rows if row.source in outside.sources]
    report = IngestReport()
    threads = ThreadPoolExecutor(max_workers=_threads(finds, outside))
    ended: list[Outcome] = []
    try:
        work = [threads.submit(_ingest_one, find, outside, store) for find in finds]
        for future in work:
            ended.append(future.result())
            if len(ended) == COMMIT_EVERY:
                _commit(ended, report, catalog, now, advance)
        _commit(ended, report, catalog, now, advance)
    finally:
        threads.shutdown(cancel_futures=True)
        if sum(report.refused.values()) + report.new + report.known + report.failed < len(finds):
            _give_back(finds, catalog, now)
    return report


def _threads(finds: Sequence[Claimed], outside: Outside) -> int:
    """Enough to keep every decoder busy while the slowest source is asked in parallel."""
    sources = {find.source for find in finds}
    waiting = max((_concurrency(outside, name) for name in sources), default=0)
    return max(1, outside.workers + waiting)


def _concurrency(outside: Outside, source_name: str) -> int:
    web = outside.webs.get(source_name)
    return web.source.concurrency if web is not None else 0


def _ingest_one(find: Claimed, outside: Outside, store: Store) -> Outcome:
    try:
        fetched = outside.fetch(find.source, find.url)
    except InputError as refusal:
        return Refused(find, refusal)
    except ServiceError as failure:
        return Failed(find, failure)
    return _keep(find, fetched, outside, store)


def _keep(find: Claimed, fetched: Fetched, outside: Outside, store: Store) -> Outcome:
    limits = outside.limits_of(find.source)
    try:
        facts = outside.decoders.describe(fetched.body, item=find.url, limits=limits).facts
    except InputError as refusal:
        return Refused(find, refusal)
    image_id = sha256_hex(fetched.body)
    key = image_key(image_id, facts.format)
    if not store.exists(key):
        store.put(key, fetched.body)
    source = outside.sources[find.source]
    return Kept(
        find=find,
        image_id=image_id,
        size_bytes=len(fetched.body),
        facts=facts,
        licence=source.licence,
        attribution=source.attribution,
        evidence=fetched.evidence,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
    )


def _commit(
    ended: list[Outcome],
    report: IngestReport,
    catalog: Catalog,
    now: Callable[[], datetime],
    advance: Callable[[int], None] | None,
) -> None:
    with catalog.write() as session:
        fresh = record(session, ended, now=now())
    for outcome in ended:
        if isinstance(outcome, Refused):
            report.refused[outcome.refusal.reason] += 1
        elif isinstance(outcome, Failed):
            report.failed += 1
            report.first_failure = report.first_failure or str(outcome.failure)
    kept = sum(isinstance(outcome, Kept) for outcome in ended)
    report.new += fresh
    report.known += kept - fresh
    if advance is not None:
        advance(len(ended))
    ended.clear()


def _give_back(finds: Sequence[Claimed], catalog: Catalog, now: Callable[[], datetime]) -> None:
    with catalog.write() as session:
        release_finds(session, [find.id for find in finds], now=now())
