"""The loop of a stage over images: lease, work side by side, keep in small batches."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime

from sqlalchemy.orm import Session

from lowdiff.catalog.artifacts import Outcome, Stage, claim, record
from lowdiff.catalog.engine import Catalog
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.tables import Image
from lowdiff.errors import InputError


def _nothing(session: Session, outcomes: Sequence[Outcome]) -> None:
    pass


def work_through(
    image_ids: Sequence[str],
    stage: Stage,
    do: Callable[[Image], Outcome],
    *,
    catalog: Catalog,
    workers: int,
    lease_s: float,
    now: Callable[[], datetime],
    advance: Callable[[int], None],
    commit_every: int,
    also: Callable[[Session, Sequence[Outcome]], None] = _nothing,
) -> Iterator[list[Outcome]]:
    """Do something with each image that nobody else works on or has finished.

    Args:
        do: an `InputError` from it is a refusal of that image; any other error ends the loop, and
            what was kept before stays.
        workers: threads.
        advance: told the number of images that were kept since it was last told.
        also: runs in the transaction that keeps the outcomes.

    Returns:
        The outcomes, as they are kept; the order is that in which the work ends.
    """
    with catalog.write() as session:
        mine = claim(session, stage, image_ids, now=now(), lease_s=lease_s)
        images = images_by_id(session, mine)

    def keep(outcomes: list[Outcome]) -> list[Outcome]:
        with catalog.write() as session:
            record(session, stage, outcomes, now=now())
            also(session, outcomes)
        advance(len(outcomes))
        return outcomes

    def attempt(image: Image) -> Outcome:
        try:
            return do(image)
        except InputError as refusal:
            return Outcome(image.id, "refused", error_class=refusal.reason, error=str(refusal))

    with ThreadPoolExecutor(workers, thread_name_prefix=stage.name) as threads:
        jobs = [threads.submit(attempt, images[image_id]) for image_id in mine]
        done: list[Outcome] = []
        try:
            for job in as_completed(jobs):
                done.append(job.result())
                if len(done) == commit_every:
                    yield keep(done)
                    done = []
            if done:
                yield keep(done)
        finally:  # on an error or an interrupt the rest must not be waited for
            threads.shutdown(wait=True, cancel_futures=True)
