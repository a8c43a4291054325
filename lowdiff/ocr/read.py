"""The stage `ocr`: one metadata document for every image, in batches that resume."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import and_, delete, not_, select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import FINISHED, Outcome, Stage, pending_ids
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.tables import Artifact, Image
from lowdiff.catalog.work import work_through
from lowdiff.ocr.document import OcrDocument, to_json
from lowdiff.ocr.engine import CRASHED, TIMEOUT
from lowdiff.ocr.groups import Group
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


def pending_groups(catalog: Catalog, groups: Sequence[Group]) -> list[tuple[Group, list[str]]]:
    """Each group with the ids of its images that were not read yet."""
    return [(group, group.of(pending_ocr(catalog, group.stage))) for group in groups]


def forget_hung(catalog: Catalog) -> int:
    """Let what an engine hung or crashed on be read again; returns how many images that are."""
    with catalog.write() as session:
        rows = session.scalars(
            select(Artifact).where(
                Artifact.stage == STAGE_NAME,
                Artifact.state == "refused",
                Artifact.error_class.in_((TIMEOUT, CRASHED)),
            )
        ).all()
        for row in rows:
            session.delete(row)
    return len(rows)


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

    def read(image: Image) -> Outcome:
        return _read_one(image, store, reader)

    def forget_older(session: Session, outcomes: Sequence[Outcome]) -> None:
        _forget_older(session, stage, outcomes)

    kept = work_through(
        image_ids,
        stage,
        read,
        catalog=catalog,
        workers=workers,
        lease_s=lease_s,
        now=now,
        advance=advance,
        commit_every=COMMIT_EVERY,
        also=forget_older,
    )
    outcomes = list(chain.from_iterable(kept))
    payloads = [outcome.payload for outcome in outcomes if outcome.payload is not None]
    return OcrReport(
        read=len(payloads),
        with_text=sum(payload["words"] > 0 for payload in payloads),
        words=sum(payload["words"] for payload in payloads),
        needs_review=sum(payload["needs_review"] for payload in payloads),
        refused=len(outcomes) - len(payloads),
        elsewhere=len(image_ids) - len(outcomes),
    )


def _read_one(image: Image, store: Store, reader: Reader) -> Outcome:
    document = read_image(
        store.read(image_key(image.id, image.format)),
        image.format,
        image_id=image.id,
        size_px=(image.width_px, image.height_px),
        reader=reader,
    )
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


def _forget_older(session: Session, stage: Stage, outcomes: Sequence[Outcome]) -> None:
    """An image has one document in the store, so the rows of those that it replaced must go.

    Otherwise going back to earlier settings would find everything read, and another's document.
    """
    read = [outcome.image_id for outcome in outcomes if outcome.state == "ok"]
    is_this = and_(
        Artifact.stage_version == stage.version, Artifact.params_hash == stage.params_hash
    )
    session.execute(
        delete(Artifact).where(
            Artifact.stage == stage.name,
            Artifact.image_id.in_(read),
            Artifact.state.in_(FINISHED),
            not_(is_this),
        )
    )
