"""The stage `twins`: every new image is compared once with all that came before it.

An image counts as compared when its edges are kept; both happen in one transaction. A pair is
compared when the later of the two is, so the order of the images does not matter, and neither
does a kill: images whose batch was not kept are compared again and find the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import (
    Outcome,
    Stage,
    claim,
    held_by_others,
    payloads,
    pending_ids,
    record,
)
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.duplicates import Edge, drop_other_versions, keep_edges, pixel_hashes
from lowdiff.catalog.engine import utc_now
from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.compare import compare
from lowdiff.dedupe.fingerprint import METHOD_VERSION, Fingerprint
from lowdiff.dedupe.prints import STAGE as PRINTS
from lowdiff.dedupe.prints import Prints
from lowdiff.dedupe.workers import alone
from lowdiff.errors import ServiceError

STAGE = Stage("twins", METHOD_VERSION)
BATCH = 64
FEW = 256
"""Fewer images than this are compared in this process."""
PAIRS_AT_ONCE = 32
CROWD = 24
"""Candidates of one image at most, the likeliest first: bounds the cost where all look alike."""
_POSTGRES_LOCK = 0x7E1B5
"""A number of our own for the advisory lock."""


@dataclass(frozen=True)
class CompareCounts:
    """What comparing came to."""

    images: int = 0
    pairs: int = 0
    crowded: int = 0
    """Images with so many candidates that only the likeliest were compared."""

    def __add__(self, other: "CompareCounts") -> "CompareCounts":
        return CompareCounts(
            self.images + other.images, self.pairs + other.pairs, self.crowded + other.crowded
        )


def pending_comparisons(catalog: Catalog) -> list[str]:
    """Ids of the images that have a fingerprint and were not compared, in a stable order."""
    with catalog.read() as session:
        ready = payloads(session, PRINTS)
        return [image_id for image_id in pending_ids(session, STAGE) if image_id in ready]


def compare_new(
    *,
    catalog: Catalog,
    prints: Prints,
    workers: int = 1,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> CompareCounts:
    """Compare what is new with everything; keep what the pairs are to each other.

    Args:
        workers: processes; for a few images this one alone is faster than to start others.
        advance: told the number of images that were compared since it was last told.

    Raises:
        ServiceError: somebody else compares in this catalog now, or store or catalog failed.
    """
    index = _Index(prints)
    total = CompareCounts()
    pending = pending_comparisons(catalog)
    with _judges(workers if len(pending) >= FEW else 1) as judges:
        for some in chunks(pending, BATCH):
            with catalog.write() as session:
                mine = _claim_alone(session, some, now=now(), lease_s=lease_s)
                compared = payloads(session, STAGE)
                pixels = pixel_hashes(session)
            index.catch_up(compared)
            pairs, crowded = index.add(mine, pixels)
            edges = _judge_all(pairs, prints, judges)
            with catalog.write() as session:
                keep_edges(session, edges, now=now())
                record(session, STAGE, [Outcome(one, "ok", {}) for one in mine], now=now())
            advance(len(mine))
            total += CompareCounts(len(mine), len(pairs), crowded)
    with catalog.write() as session:
        # not before all is compared anew: until then the old edges are the best we know
        drop_other_versions(session, METHOD_VERSION)
    return total


def _judges(workers: int) -> Executor:
    """Processes, for half of a comparison holds the interpreter's lock; one is a thread of ours."""
    if workers == 1:
        return ThreadPoolExecutor(1, thread_name_prefix="compare")
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=alone)


def _judge_all(pairs: Sequence[tuple[str, str]], prints: Prints, judges: Executor) -> list[Edge]:
    """Compare; pairs of one image travel together, so that it is unpacked once."""
    work = [
        [(a, b, prints.get(a), prints.get(b)) for a, b in some]
        for some in chunks(sorted(pairs, key=lambda pair: pair[1]), PAIRS_AT_ONCE)
    ]
    try:
        return [edge for some in judges.map(_judge, work) for edge in some]
    except BrokenProcessPool as error:
        raise ServiceError(
            "dedupe",
            "a process that compares pictures was ended from outside",
            reason="worker_died",
            do="Run the command again: what was compared is kept. Memory may have been short.",
        ) from error


def _judge(work: Sequence[tuple[str, str, Fingerprint, Fingerprint]]) -> list[Edge]:
    edges = []
    for one, other, print_one, print_other in work:
        found = compare(print_one, print_other)
        a, b = sorted((one, other))
        edges.append(Edge(a, b, found.relation, found.score, METHOD_VERSION))
    return edges


def _claim_alone(
    session: Session, image_ids: Sequence[str], *, now: datetime, lease_s: float
) -> list[str]:
    """Claim a batch when nobody else holds one: two who compare at once would miss each other."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(text(f"pg_advisory_xact_lock({_POSTGRES_LOCK})")))
    if held_by_others(session, STAGE, now=now):
        raise ServiceError(
            "dedupe",
            "somebody else compares the images of this catalog now",
            reason="dedupe_under_way",
            do="What they find counts for all; run the command again when they are done.",
        )
    return claim(session, STAGE, image_ids, now=now, lease_s=lease_s)


class _Index:
    """The images that were compared, for the search of candidates."""

    def __init__(self, prints: Prints) -> None:
        self._prints = prints
        self._candidates = Candidates(most=CROWD)
        self._known: set[str] = set()

    def catch_up(self, compared: Iterable[str]) -> None:
        """Take in what was compared by an earlier run, or by others since the last batch."""
        missing = sorted(set(compared) - self._known)
        for some in chunks(missing, 1024):
            self._candidates.extend([(image_id, self._prints.read(image_id)) for image_id in some])
        self._known.update(missing)

    def add(
        self, image_ids: Sequence[str], pixels: Mapping[str, str]
    ) -> tuple[list[tuple[str, str]], int]:
        """Pairs of new images with all that were there before them, and who had too many."""
        prints = [(image_id, self._prints.get(image_id)) for image_id in image_ids]
        found = self._candidates.add_many(prints)
        self._known.update(image_ids)
        # equal pixels are exact twins: there is nothing to compare
        pairs = [(one.a, one.b) for some in found for one in some if pixels[one.a] != pixels[one.b]]
        return pairs, sum(len(some) >= CROWD for some in found)
