"""The stage `twins`: every new image is compared once with all that came before it.

An image counts as compared when its edges are kept; both happen in one transaction. A pair is
compared when the later of the two is, or follows from what is known (`lowdiff.dedupe.implied`):
then its edge is kept like those that were seen, so that whoever asks for twins of an image needs
no chains. A kill does not matter: images whose batch was not kept are compared again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from typing import cast

from sqlalchemy import select, text
from sqlalchemy.orm import Session
from threadpoolctl import threadpool_limits

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
from lowdiff.catalog.duplicates import (
    Edge,
    drop_other_versions,
    edges_of,
    keep_edges,
    pixel_hashes,
    verdicts,
)
from lowdiff.catalog.engine import utc_now
from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.compare import compare_many
from lowdiff.dedupe.fingerprint import METHOD_VERSION, Fingerprint
from lowdiff.dedupe.implied import Known
from lowdiff.dedupe.prints import STAGE as PRINTS
from lowdiff.dedupe.prints import Prints
from lowdiff.dedupe.turns import compare_in_turns
from lowdiff.dedupe.verdict import Comparison, Relation
from lowdiff.dedupe.workers import alone
from lowdiff.errors import ServiceError

STAGE = Stage("twins", METHOD_VERSION)
BATCH = 64
FEW = 256
"""Fewer images than this are compared in this process."""
PAIRS_AT_ONCE = 16
CROWD = 24
"""Candidates of one image at most, the likeliest first: bounds the cost where all look alike."""
_POSTGRES_LOCK = 0x7E1B5
"""A number of our own for the advisory lock."""


@dataclass(frozen=True)
class CompareCounts:
    """What comparing came to."""

    images: int = 0
    pairs: int = 0
    implied: int = 0
    """Pairs that followed from others and were not compared."""
    crowded: int = 0
    """Images with so many candidates that only the likeliest were compared."""

    def __add__(self, other: "CompareCounts") -> "CompareCounts":
        return CompareCounts(
            self.images + other.images,
            self.pairs + other.pairs,
            self.implied + other.implied,
            self.crowded + other.crowded,
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
            with threadpool_limits(1):  # the processes share the cores
                index.catch_up(compared)
                likeness, crowded = index.add(mine, pixels)
            with catalog.read() as session:
                touched = sorted({one for pair in likeness for one in pair})
                known = _known(session, touched, pixels)
            told, implied = compare_in_turns(likeness, known, _Judge(prints, judges))
            with catalog.write() as session:
                keep_edges(session, [_edge(*pair, told[pair]) for pair in told], now=now())
                record(session, STAGE, [Outcome(one, "ok", {}) for one in mine], now=now())
            advance(len(mine))
            total += CompareCounts(len(mine), len(told) - implied, implied, crowded)
    with catalog.write() as session:
        # not before all is compared anew: until then the old edges are the best we know
        drop_other_versions(session, METHOD_VERSION)
    return total


def _judges(workers: int) -> Executor:
    """Processes, for half of a comparison holds the interpreter's lock; one is a thread of ours."""
    if workers == 1:
        return ThreadPoolExecutor(1, thread_name_prefix="compare")
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=alone)


def _known(session: Session, image_ids: Sequence[str], pixels: Mapping[str, str]) -> Known[str]:
    """What is known of some images: equal pixels, and what was found unless a person said more."""
    known: Known[str] = Known()
    first: dict[str, str] = {}
    for image_id in image_ids:
        twin = first.setdefault(pixels[image_id], image_id)
        if twin != image_id:
            known.note(twin, image_id, Comparison("near", 1.0))
    said = verdicts(session)
    for edge in edges_of(session, image_ids):
        if edge.method_version == METHOD_VERSION and (edge.a_id, edge.b_id) not in said:
            found = Comparison(cast(Relation, edge.kind), edge.score)
            known.note(edge.a_id, edge.b_id, found)
    return known


class _Judge:
    """Compares pairs of images in other processes."""

    def __init__(self, prints: Prints, judges: Executor) -> None:
        self._prints = prints
        self._judges = judges

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
        """In the order of the pairs."""
        get = self._prints.get
        work = ([(get(a), get(b)) for a, b in some] for some in chunks(pairs, PAIRS_AT_ONCE))
        try:
            return [found for some in self._judges.map(_judge, work) for found in some]
        except BrokenProcessPool as error:
            raise ServiceError(
                "dedupe",
                "a process that compares pictures was ended from outside",
                reason="worker_died",
                do="Run the command again: what was compared is kept. Memory may have been short.",
            ) from error


def _judge(work: Sequence[tuple[Fingerprint, Fingerprint]]) -> list[Comparison]:
    return compare_many(work)


def _edge(one: str, other: str, found: Comparison) -> Edge:
    a, b = sorted((one, other))
    return Edge(a, b, found.relation, found.score, METHOD_VERSION)


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
    ) -> tuple[dict[tuple[str, str], float], int]:
        """Pairs of an image there was before and a new one → likeness, and who had too many."""
        prints = [(image_id, self._prints.get(image_id)) for image_id in image_ids]
        found = self._candidates.add_many(prints)
        self._known.update(image_ids)
        # equal pixels are exact twins: there is nothing to compare
        pairs = {
            (one.a, one.b): one.likeness
            for some in found
            for one in some
            if pixels[one.a] != pixels[one.b]
        }
        return pairs, sum(len(some) >= CROWD for some in found)
