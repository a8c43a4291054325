"""The stage `draft`: every field of every image, in batches that resume.

An image is drafted when its OCR is finished (read or refused). A new OCR version or new OCR
languages make a new draft, because the OCR stage is among this stage's parameters.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import FINISHED, Outcome, Stage, claim, payloads, pending_ids, record
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import best_sighting, images_by_id, sightings_of
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import Artifact, Image, LabelEvent
from lowdiff.errors import InputError
from lowdiff.ingest.decode import decode
from lowdiff.labels.accept.calibrate import Calibration
from lowdiff.labels.drafts.fields import (
    UNCALIBRATED,
    Draft,
    Drafted,
    Drafter,
    Picture,
    SourceWords,
    draft_fields,
)
from lowdiff.labels.measure.figure import FigureBox
from lowdiff.labels.schema import Schema
from lowdiff.store import Store, image_key

STAGE_NAME = "draft"
STAGE_VERSION = "4"
"""Raised by a person when the same image would be drafted differently."""
MEASURE_PX = 256
"""Longest side at which images are measured."""
COMMIT_EVERY = 32


@dataclass(frozen=True)
class FieldCount:
    """Drafts of one field."""

    values: Mapping[str, int] = field(default_factory=dict)
    """Value → number of images; for texts `filled` and `empty`."""
    confidence_sum: float = 0.0
    images: int = 0

    @property
    def mean_confidence(self) -> float:
        """0..1; 0 without images."""
        return self.confidence_sum / self.images if self.images else 0.0

    def __add__(self, other: "FieldCount") -> "FieldCount":
        values = dict(self.values)
        for value, number in other.values.items():
            values[value] = values.get(value, 0) + number
        return FieldCount(
            values, self.confidence_sum + other.confidence_sum, self.images + other.images
        )


@dataclass(frozen=True)
class DraftReport:
    """What a batch came to; add reports up with `+`."""

    drafted: int = 0
    refused: int = 0
    labels: int = 0
    """Statements that were new to the history."""
    elsewhere: int = 0
    """Images that another worker holds or has finished."""
    fields: Mapping[str, FieldCount] = field(default_factory=dict)

    def __add__(self, other: "DraftReport") -> "DraftReport":
        fields = dict(self.fields)
        for name, count in other.fields.items():
            fields[name] = fields.get(name, FieldCount()) + count
        return DraftReport(
            self.drafted + other.drafted,
            self.refused + other.refused,
            self.labels + other.labels,
            self.elsewhere + other.elsewhere,
            fields,
        )


def draft_stage(ocr: Stage, schema: Schema) -> Stage:
    """The stage that drafts from this OCR stage for this label schema."""
    params = {
        "ocr": f"{ocr.version}:{ocr.params_hash}",
        "schema": schema.version,
        "px": MEASURE_PX,
    }
    return Stage(STAGE_NAME, STAGE_VERSION, params)


def pending_draft(catalog: Catalog, *, ocr: Stage, schema: Schema) -> list[str]:
    """Ids of the images whose OCR is finished and which have no draft from it yet."""
    with catalog.read() as session:
        ready = set(
            session.scalars(
                select(Artifact.image_id).where(
                    Artifact.stage == ocr.name,
                    Artifact.stage_version == ocr.version,
                    Artifact.params_hash == ocr.params_hash,
                    Artifact.state.in_(FINISHED),
                )
            )
        )
        return [i for i in pending_ids(session, draft_stage(ocr, schema)) if i in ready]


@dataclass(frozen=True)
class _Job:
    image: Image
    source: SourceWords
    ocr: Mapping[str, Any] | None


def draft_batch(
    image_ids: Sequence[str],
    *,
    catalog: Catalog,
    store: Store,
    ocr: Stage,
    schema: Schema,
    drafters: Sequence[Drafter] = (),
    calibration: Calibration = UNCALIBRATED,
    details: bool = True,
    workers: int = 1,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> DraftReport:
    """Draft images whose OCR is finished; what is drafted already is left alone.

    Artifacts and label history are written in one transaction, so that neither is there alone.

    Args:
        ocr: the OCR stage whose results are used (`lowdiff.ocr.read.ocr_stage`).
        drafters: others who have a say on some fields, such as the learned ones.
        calibration: by which statements of different drafters are compared.
        details: captions tell what was measured. Where people label, the labels that count are
            put in when a caption is used (`lowdiff.labels.accept.policy.resolve`).
        workers: images that are measured side by side.
        advance: told the number of images that were kept since it was last told.

    Raises:
        ServiceError: store or catalog failed; what was kept stays, run it again.
        ContractError: an image of the catalog is missing from the store.
    """
    stage = draft_stage(ocr, schema)
    with catalog.write() as session:
        mine = claim(session, stage, image_ids, now=now(), lease_s=lease_s)
    report = DraftReport(elsewhere=len(image_ids) - len(mine))

    def draft_one(job: _Job) -> tuple[Outcome, Draft | None]:
        return _draft_one(job, store, drafters, calibration, details=details)

    with ThreadPoolExecutor(max_workers=workers) as threads:
        for some in chunks(mine, COMMIT_EVERY):
            with catalog.read() as session:
                jobs = _gather(session, some, ocr)
            done = list(threads.map(draft_one, jobs))
            with catalog.write() as session:
                report += _keep(session, stage, done, schema=schema, moment=now())
            advance(len(some))
    return report


def _gather(session: Session, image_ids: Sequence[str], ocr: Stage) -> list[_Job]:
    images = images_by_id(session, image_ids)
    sightings = sightings_of(session, image_ids)
    texts = payloads(session, ocr, image_ids)
    jobs = []
    for image_id in image_ids:
        seen = best_sighting(sightings[image_id])
        source = SourceWords()
        if seen is not None:
            source = SourceWords(seen.title, seen.alt_text, tuple(seen.tags))
        jobs.append(_Job(images[image_id], source, texts.get(image_id)))
    return jobs


def _draft_one(
    job: _Job,
    store: Store,
    drafters: Sequence[Drafter],
    calibration: Calibration,
    *,
    details: bool,
) -> tuple[Outcome, Draft | None]:
    image = job.image
    started = time.perf_counter()
    try:
        body = store.read(image_key(image.id, image.format))
        picture = decode(body, image.format, item=image.id, longest_px=MEASURE_PX)
    except InputError as refusal:
        return Outcome(image.id, "refused", error_class=refusal.reason, error=str(refusal)), None
    key = (job.ocr or {}).get("key")
    document = json.loads(store.read(key)) if key else None
    draft = draft_fields(
        Picture(image.id, np.asarray(picture), job.source, job.ocr, document),
        drafters=drafters,
        calibration=calibration,
        details=details,
    )
    payload = payload_of(draft, image, words=(job.ocr or {}).get("words", 0))
    return Outcome(image.id, "ok", payload, seconds=time.perf_counter() - started), draft


def payload_of(draft: Draft, image: Image, *, words: int) -> dict[str, Any]:
    """What the catalog keeps of a draft; boxes in pixels of the image's size in the catalog."""
    return {
        "fields": {name: asdict(drafted) for name, drafted in draft.fields.items()},
        "candidates": {
            name: [asdict(one) for one in ones] for name, ones in draft.candidates.items()
        },
        "boxes": [_box(figure, image) for figure in draft.figures],
        "numbers": list(draft.numbers),
        "ocr_words": words,
    }


def _box(figure: FigureBox, image: Image) -> dict[str, Any]:
    left, right = round(figure.left * image.width_px), round(figure.right * image.width_px)
    top, bottom = round(figure.top * image.height_px), round(figure.bottom * image.height_px)
    return {
        "label": "Figure",
        "x_px": left,
        "y_px": top,
        "w_px": max(1, right - left),
        "h_px": max(1, bottom - top),
    }


def _keep(
    session: Session,
    stage: Stage,
    done: Sequence[tuple[Outcome, Draft | None]],
    *,
    schema: Schema,
    moment: datetime,
) -> DraftReport:
    record(session, stage, [outcome for outcome, _ in done], now=moment)
    report = DraftReport()
    events = []
    for outcome, draft in done:
        if draft is None:
            report += DraftReport(refused=1)
            continue
        report += DraftReport(drafted=1, fields=_counts(draft))
        events += [
            _event(outcome.image_id, name, drafted, schema=schema, moment=moment)
            for name, drafted in draft.fields.items()
        ]
    return report + DraftReport(labels=append_events(session, events))


def _event(
    image_id: str, name: str, drafted: Drafted, *, schema: Schema, moment: datetime
) -> LabelEvent:
    return LabelEvent(
        image_id=image_id,
        field=name,
        value=drafted.value,
        origin=drafted.origin,
        actor=drafted.by,
        schema_version=schema.version,
        confidence=drafted.confidence,
        created_at=moment,
    )


def _counts(draft: Draft) -> dict[str, FieldCount]:
    found = {}
    for name, drafted in draft.fields.items():
        value = drafted.value
        if name in ("caption", "transcription", "brand"):
            shown = "filled" if value else "empty"
        else:
            shown = value if isinstance(value, str) else ", ".join(value) or "none"
        found[name] = FieldCount({shown: 1}, drafted.confidence, 1)
    return found
