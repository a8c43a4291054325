"""The stage `ocr`: one metadata document for every image, in batches that resume."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, Stage, claim, pending_ids, record
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.tables import Image
from lowdiff.errors import InputError
from lowdiff.ocr.document import OcrDocument, to_json
from lowdiff.ocr.open import open_reader
from lowdiff.ocr.reader import Reader, read_image
from lowdiff.ocr.stage import STAGE_NAME, ocr_stage, stage_of
from lowdiff.store import Store, image_key, ocr_key

COMMIT_EVERY = 16
__all__ = ["STAGE_NAME", "OcrReport", "ocr_stage", "open_reader", "pending_ocr", "read_batch"]


@dataclass(frozen=True)
class OcrReport:
    """What a batch came to; add reports up with `+`."""

    read: int = 0
    with_text: int = 0
    words: int = 0
    needs_review: int = 0
    refused: int = 0
    elsewhere: int = 0
    """Images that another worker holds or has finished."""

    def __add__(self, other: "OcrReport") -> "OcrReport":
        mine, theirs = asdict(self), asdict(other)
        return OcrReport(**{name: mine[name] + theirs[name] for name in mine})


def pending_ocr(catalog: Catalog, stage: Stage) -> list[str]:
    """Ids of the images that `stage` has not read yet, in a stable order."""
    with catalog.read() as session:
        return pending_ids(session, stage)


def read_batch(
    image_ids: Sequence[str],
    *,
    catalog: Catalog,
    store: Store,
    reader: Reader,
    workers: int = 1,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> OcrReport:
    """Read images and keep a document of each; what is finished already is left alone.

    Args:
        workers: images that are read side by side, each by engine processes of its own.
        advance: told the number of images that were kept since it was last told.

    Raises:
        ServiceError: store or catalog failed; what was kept stays, run it again.
        ContractError: an image of the catalog is missing from the store.
    """
    stage = stage_of(reader)
    with catalog.write() as session:
        mine = claim(session, stage, image_ids, now=now(), lease_s=lease_s)
        images = images_by_id(session, mine)
    report = OcrReport(elsewhere=len(image_ids) - len(mine))
    waiting: list[Outcome] = []
    for outcome in _side_by_side([images[image_id] for image_id in mine], store, reader, workers):
        waiting.append(outcome)
        if len(waiting) == COMMIT_EVERY:
            report += _keep(catalog, stage, waiting, now(), advance)
            waiting = []
    return report + _keep(catalog, stage, waiting, now(), advance)


def _side_by_side(
    images: Sequence[Image], store: Store, reader: Reader, workers: int
) -> Iterator[Outcome]:
    with ThreadPoolExecutor(max_workers=workers) as threads:
        jobs: list[Future[Outcome]] = [
            threads.submit(_read_one, image, store, reader) for image in images
        ]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:  # on an error or an interrupt the rest must not be waited for
            threads.shutdown(wait=True, cancel_futures=True)


def _read_one(image: Image, store: Store, reader: Reader) -> Outcome:
    try:
        document = read_image(
            store.read(image_key(image.id, image.format)),
            image.format,
            image_id=image.id,
            size_px=(image.width_px, image.height_px),
            reader=reader,
        )
    except InputError as refusal:
        return Outcome(image.id, "refused", error_class=refusal.reason, error=str(refusal))
    key = ocr_key(image.id)
    store.put(key, to_json(document))
    return Outcome(image.id, "ok", payload_of(document, key), seconds=document.seconds)


def payload_of(document: OcrDocument, key: str) -> dict[str, Any]:
    """What the catalog keeps of a document, so that its text can be searched."""
    return {
        "text": document.text,
        "words": len(document.words),
        "mean_confidence": document.mean_confidence,
        "sure_share": document.sure_share,
        "needs_review": document.needs_review,
        "key": key,
    }


def _keep(
    catalog: Catalog,
    stage: Stage,
    outcomes: Sequence[Outcome],
    moment: datetime,
    advance: Callable[[int], None],
) -> OcrReport:
    with catalog.write() as session:
        record(session, stage, outcomes, now=moment)
    advance(len(outcomes))
    payloads = [outcome.payload for outcome in outcomes if outcome.payload is not None]
    return OcrReport(
        read=len(payloads),
        with_text=sum(payload["words"] > 0 for payload in payloads),
        words=sum(payload["words"] for payload in payloads),
        needs_review=sum(payload["needs_review"] for payload in payloads),
        refused=len(outcomes) - len(payloads),
    )
