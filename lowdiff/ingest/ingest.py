"""Fetch what is queued, keep the originals and what is known of them, remember what was refused.

Threads fetch, decode and store; this thread claims finds ahead of them and commits behind them,
so that neither a decoder nor a connection waits for the catalog. A process that is killed leaves
leases that the next one sees to be dead, and repeats what was under way and one batch at most.
"""

import contextlib
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lowdiff.catalog.claims import claim_finds, release_finds, renew_leases
from lowdiff.catalog.engine import Catalog, utc_now
from lowdiff.catalog.queue import ids_by_source
from lowdiff.errors import ServiceError
from lowdiff.ingest.commit import commit
from lowdiff.ingest.keep import ingest_one
from lowdiff.ingest.lane import Broken, Endings, Lane
from lowdiff.ingest.outside import Outside
from lowdiff.ingest.record import Claimed, Kept, Outcome
from lowdiff.ingest.report import IngestReport
from lowdiff.store import Store

BATCH = 64
"""Finds that are fetched and not committed, besides those that the threads have in hand."""
COMMIT_AT = BATCH // 2
"""While one half is committed, the threads fill the other."""
COMMIT_EVERY_S = 2.0
"""A slow crawl commits what it has."""
CLAIM = 64
"""Finds that are leased at once."""


def ingest_batch(
    find_ids: Sequence[int],
    *,
    outside: Outside,
    catalog: Catalog,
    store: Store,
    preview_px: int = 0,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] | None = None,
) -> IngestReport:
    """Fetch each find, decode it within its limits, keep the original byte for byte.

    A refused find is a rejection row, a find whose source fails stays in the queue; both are
    counted in the report. Finds of others' leases or of sources that are not open are passed over.
    Any number of finds is welcome: they are claimed piece by piece, and those of different
    sources go side by side.

    Args:
        preview_px: longest side of the small JPEG kept beside each original; 0: none.
        lease_s: how long a find may take that we hear nothing of.
        advance: told how many finds have ended.

    Raises:
        ServiceError: the store or the catalog failed; nothing of the batch is lost, run it again.
    """
    with catalog.read() as session:
        ids = {
            name: some
            for name, some in ids_by_source(session, find_ids).items()
            if name in outside.sources
        }
    ended: Endings = queue.SimpleQueue()

    def work(find: Claimed) -> Outcome:
        return ingest_one(find, outside=outside, store=store, preview_px=preview_px)

    lanes = [
        Lane(
            some,
            threads=_threads(outside, name),
            ahead=max(1, BATCH // len(ids)),
            work=work,
            ended=ended,
        )
        for name, some in ids.items()
    ]
    run = _Run(lanes, ended, catalog, store, lease_s, now, advance or (lambda _number: None))
    try:
        return run.finish()
    finally:
        run.stop()


def _threads(outside: Outside, source_name: str) -> int:
    """Enough to keep every decoder busy while the source is asked as often as it allows."""
    return outside.workers + getattr(outside.sources[source_name], "concurrency", 0)


@dataclass
class _Run:
    """The thread that claims and commits."""

    lanes: list[Lane]
    ended: Endings
    catalog: Catalog
    store: Store
    lease_s: float
    now: Callable[[], datetime]
    advance: Callable[[int], None]

    def finish(self) -> IngestReport:
        """Until nothing is left to claim."""
        report = IngestReport()
        renewed = time.monotonic()
        while self._started():
            some = self._gather()
            self._commit(some, report)
            if time.monotonic() - renewed > self.lease_s / 3:
                self._renew()
                renewed = time.monotonic()
        return report

    def stop(self) -> None:
        """End the threads and give back what was not finished."""
        for lane in self.lanes:
            lane.stop()
        for lane in self.lanes:
            lane.join()
        left = self._held()
        if left:
            with contextlib.suppress(ServiceError), self.catalog.write() as session:
                release_finds(session, left, now=self.now())

    def _started(self) -> bool:
        """Claim and start what there is room for; False when nothing is left under way."""
        for lane in self.lanes:
            while lane.unclaimed and len(lane.claimed) < lane.size:
                self._claim(lane)
            lane.start()
        return any(lane.started for lane in self.lanes)

    def _claim(self, lane: Lane) -> None:
        some = [lane.unclaimed.popleft() for _ in range(min(CLAIM, len(lane.unclaimed)))]
        with self.catalog.write() as session:
            rows = claim_finds(session, some, now=self.now(), lease_s=self.lease_s)
            lane.claimed.extend(Claimed.of(row) for row in rows)

    def _gather(self) -> list[Outcome]:
        """What ends in the next seconds, half a batch at least where there is so much."""
        under_way = sum(len(lane.started) for lane in self.lanes)
        outcomes: list[Outcome] = []
        until = time.monotonic() + COMMIT_EVERY_S
        while len(outcomes) < min(under_way, COMMIT_AT) or not self.ended.empty():
            try:
                outcome = self.ended.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if isinstance(outcome, Broken):
                raise outcome.error
            outcomes.append(outcome)
        return outcomes

    def _commit(self, outcomes: Sequence[Outcome], report: IngestReport) -> None:
        """First the bytes are safe, then the catalog tells of them."""
        if not outcomes:
            return
        if any(isinstance(one, Kept) for one in outcomes):
            self.store.flush()
        written, new = commit(self.catalog, outcomes, now=self.now())
        for one in written:
            for lane in self.lanes:
                lane.started.pop(one.find.id, None)
        report.count(written, new=new)
        self.advance(len(written))

    def _renew(self) -> None:
        with self.catalog.write() as session:
            renew_leases(session, self._held(), now=self.now(), lease_s=self.lease_s)

    def _held(self) -> list[int]:
        claimed = [find.id for lane in self.lanes for find in lane.claimed]
        return claimed + [find_id for lane in self.lanes for find_id in lane.started]
