"""What was read in the images, how surely, and where a person should look."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from lowdiff.catalog.tables import Artifact, Image
from lowdiff.errors import ContractError
from lowdiff.pages.sheet import Picture
from lowdiff.report.gallery import show
from lowdiff.report.inputs import Inputs
from lowdiff.store import ocr_key

STAGE = "ocr"
BINS = 20
EXAMPLES = 8
PICTURE_PX = 320
SURE = 0.8
"""A word above it is drawn with a full line."""
WORDS_SHOWN = 80


@dataclass(frozen=True)
class Box:
    """One word on a picture; places and sizes are percent of the picture."""

    text: str
    confidence: float
    left: float
    top: float
    width: float
    height: float

    @property
    def is_unsure(self) -> bool:
        """True when a person should not trust it unseen."""
        return self.confidence < SURE


@dataclass(frozen=True)
class Reading:
    """One image with the words found in it."""

    title: str
    picture: Picture
    text: str
    confidence: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Ocr:
    """Everything that was read."""

    images: int
    """Images that were looked at with success."""
    open: int
    """Images that were not looked at yet."""
    failed: int
    with_text: int
    words: int
    needs_review: int
    mean_confidence: float | None
    """Over the images with text."""
    confidences: tuple[int, ...]
    """Images with text in 20 equal bins of mean confidence."""
    engine: str
    seconds: float | None
    """Working time of all images together."""
    best: tuple[Reading, ...]
    worst: tuple[Reading, ...]


@dataclass(frozen=True)
class _Read:
    image_id: str
    words: int
    confidence: float
    needs_review: bool
    text: str
    key: str


def gather_ocr(inputs: Inputs) -> Ocr:
    """Read the newest artifact of every image, then the documents of a few."""
    with inputs.catalog.read() as session:
        images = session.scalar(select(func.count()).select_from(Image)) or 0
        query = (
            select(Artifact.image_id, Artifact.state, Artifact.payload)
            .where(Artifact.stage == STAGE)
            .order_by(Artifact.updated_at, Artifact.image_id)
        )
        states: dict[str, str] = {}
        reads: dict[str, _Read] = {}
        for image_id, state, payload in session.execute(query):
            if state == "ok":  # a later version of the stage replaces an earlier one
                reads[image_id] = _read(image_id, payload or {})
            states[image_id] = "ok" if image_id in reads else state
        seconds = session.scalar(select(func.sum(Artifact.seconds)).where(Artifact.stage == STAGE))
    texts = sorted(
        (read for read in reads.values() if read.words > 0),
        key=lambda read: (-read.confidence, -read.words, read.image_id),
    )
    best, worst = _choose(texts)
    documents = {read.image_id: _document(inputs, read) for read in [*best, *worst]}
    readings = _readings(inputs, [*best, *worst], documents)
    failed = sum(state in ("refused", "failed") for state in states.values())
    return Ocr(
        images=len(reads),
        open=max(0, images - len(reads) - failed),
        failed=failed,
        with_text=len(texts),
        words=sum(read.words for read in texts),
        needs_review=sum(read.needs_review for read in reads.values()),
        mean_confidence=sum(r.confidence for r in texts) / len(texts) if texts else None,
        confidences=_histogram([read.confidence for read in texts]),
        engine=_engine(documents),
        seconds=seconds,
        best=tuple(readings[r.image_id] for r in best if r.image_id in readings),
        worst=tuple(readings[r.image_id] for r in worst if r.image_id in readings),
    )


def _read(image_id: str, payload: Mapping[str, Any]) -> _Read:
    return _Read(
        image_id=image_id,
        words=int(payload.get("words") or 0),
        confidence=float(payload.get("mean_confidence") or 0.0),
        needs_review=bool(payload.get("needs_review")),
        text=str(payload.get("text") or ""),
        key=str(payload.get("key") or ocr_key(image_id)),
    )


def _choose(texts: list[_Read]) -> tuple[list[_Read], list[_Read]]:
    """Good readings with many words, and the least sure ones; none is in both."""
    number = min(EXAMPLES, (len(texts) + 1) // 2)
    sure = sorted(
        texts[: max(number, len(texts) // 4)], key=lambda read: (-read.words, read.image_id)
    )
    best = sure[:number]
    rest = [read for read in reversed(texts) if read not in best]
    return best, rest[:EXAMPLES]


def _histogram(values: list[float]) -> tuple[int, ...]:
    bins = [0] * BINS
    for value in values:
        bins[min(BINS - 1, max(0, int(value * BINS)))] += 1
    return tuple(bins)


def _document(inputs: Inputs, read: _Read) -> dict[str, Any]:
    try:
        document = json.loads(inputs.store.read(read.key))
    except (ContractError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _readings(
    inputs: Inputs, reads: list[_Read], documents: Mapping[str, dict[str, Any]]
) -> dict[str, Reading]:
    shown = show(inputs, [read.image_id for read in reads], longest_px=PICTURE_PX)
    found = {}
    for read in reads:
        image, document = shown.get(read.image_id), documents[read.image_id]
        if image is None:
            continue
        size = (
            int(document.get("width_px") or image.width_px),
            int(document.get("height_px") or image.height_px),
        )
        words = list(document.get("words") or [])[:WORDS_SHOWN]
        found[read.image_id] = Reading(
            title=image.title,
            picture=image.picture,
            text=read.text,
            confidence=read.confidence,
            boxes=tuple(_box(word, *size) for word in words),
        )
    return found


def _box(word: Mapping[str, Any], width_px: int, height_px: int) -> Box:
    return Box(
        text=str(word["text"]),
        confidence=float(word["confidence"]),
        left=100 * word["x_px"] / width_px,
        top=100 * word["y_px"] / height_px,
        width=100 * word["w_px"] / width_px,
        height=100 * word["h_px"] / height_px,
    )


def _engine(documents: Mapping[str, dict[str, Any]]) -> str:
    for document in documents.values():
        if document.get("engine"):
            return f"{document['engine']} {document.get('engine_version', '')}".strip()
    return ""
