"""What was read in the images, how surely, and where a person should look."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from lowdiff.catalog.tables import Artifact, Image, Sighting
from lowdiff.errors import ContractError
from lowdiff.ocr.document import REVIEW_BELOW
from lowdiff.pages.sheet import Picture
from lowdiff.report.gallery import show
from lowdiff.report.inputs import Inputs
from lowdiff.store import ocr_key

STAGE = "ocr"
BINS = 20
EASIEST, HARDEST = 4, 12
"""Images that are shown with their words."""
PICTURE_PX = 320
WORDS_SHOWN = 80
DOUBTS_TOLD = 3


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
        return self.confidence < REVIEW_BELOW


@dataclass(frozen=True)
class Reading:
    """One image with the words found in it."""

    title: str
    picture: Picture
    text: str
    confidence: float
    boxes: tuple[Box, ...]

    @property
    def doubts(self) -> tuple[Box, ...]:
        """The least sure words, the worst first."""
        unsure = sorted((box for box in self.boxes if box.is_unsure), key=lambda b: b.confidence)
        return tuple(unsure[:DOUBTS_TOLD])


@dataclass(frozen=True)
class OfSource:
    """What was read in the images of one source; an image of several sources counts in each."""

    name: str
    with_text: int
    confidence: float
    """Mean over the images with text."""
    sure_share: float | None
    """Of the words."""
    needs_review: int


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
    sure_share: float | None
    """Of all words; None where no reading says it."""
    sources: tuple[OfSource, ...]
    """The least sure first; only where there is text."""
    confidences: tuple[int, ...]
    """Images with text in 20 equal bins of mean confidence."""
    engine: str
    seconds: float | None
    """Working time of all images together."""
    easiest: tuple[Reading, ...]
    hardest: tuple[Reading, ...]


@dataclass(frozen=True)
class _Read:
    image_id: str
    words: int
    confidence: float
    sure_share: float | None
    needs_review: bool
    text: str
    key: str


_SEEN = select(Sighting.image_id, Sighting.source).distinct().order_by(Sighting.source)


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
        seen = [(row[0], row[1]) for row in session.execute(_SEEN)]
    texts = sorted(
        (read for read in reads.values() if read.words > 0),
        key=lambda read: (-read.confidence, -read.words, read.image_id),
    )
    easiest, hardest = _choose(texts)
    documents = {read.image_id: _document(inputs, read) for read in [*easiest, *hardest]}
    readings = _readings(inputs, [*easiest, *hardest], documents)
    failed = sum(state in ("refused", "failed") for state in states.values())
    return Ocr(
        images=len(reads),
        open=max(0, images - len(reads) - failed),
        failed=failed,
        with_text=len(texts),
        words=sum(read.words for read in texts),
        needs_review=sum(read.needs_review for read in reads.values()),
        mean_confidence=sum(r.confidence for r in texts) / len(texts) if texts else None,
        sure_share=_sure_share(texts),
        sources=_by_source({read.image_id: read for read in texts}, seen),
        confidences=_histogram([read.confidence for read in texts]),
        engine=_engine(documents),
        seconds=seconds,
        easiest=tuple(readings[r.image_id] for r in easiest if r.image_id in readings),
        hardest=tuple(readings[r.image_id] for r in hardest if r.image_id in readings),
    )


def _read(image_id: str, payload: Mapping[str, Any]) -> _Read:
    return _Read(
        image_id=image_id,
        words=int(payload.get("words") or 0),
        confidence=float(payload.get("mean_confidence") or 0.0),
        sure_share=payload.get("sure_share"),
        needs_review=bool(payload.get("needs_review")),
        text=str(payload.get("text") or ""),
        key=str(payload.get("key") or ocr_key(image_id)),
    )


def _sure_share(texts: Iterable[_Read]) -> float | None:
    told = [(read.sure_share, read.words) for read in texts if read.sure_share is not None]
    words = sum(number for _, number in told)
    return sum(share * number for share, number in told) / words if words else None


def _by_source(texts: Mapping[str, _Read], seen: Iterable[tuple[str, str]]) -> tuple[OfSource, ...]:
    of_source: dict[str, list[_Read]] = defaultdict(list)
    for image_id, source in seen:
        if image_id in texts:
            of_source[source].append(texts[image_id])
    rows = [
        OfSource(
            name=name,
            with_text=len(reads),
            confidence=sum(read.confidence for read in reads) / len(reads),
            sure_share=_sure_share(reads),
            needs_review=sum(read.needs_review for read in reads),
        )
        for name, reads in of_source.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.confidence, row.name)))


def _choose(texts: list[_Read]) -> tuple[list[_Read], list[_Read]]:
    """Sure readings with many words, and the least sure ones; none is in both."""
    number = min(EASIEST, (len(texts) + 1) // 2)
    sure = sorted(
        texts[: max(number, len(texts) // 4)], key=lambda read: (-read.words, read.image_id)
    )
    easiest = sure[:number]
    rest = [read for read in reversed(texts) if read not in easiest]
    return easiest, rest[:HARDEST]


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
        if document.get("engine_version"):
            return str(document["engine_version"])
    return ""
