"""Read one image: look first, then follow the reading plan, and make a document of it."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from lowdiff.ingest.decode import decode
from lowdiff.ocr.alphabets import needs_tesseract, read_mixed
from lowdiff.ocr.calibrate import SURE
from lowdiff.ocr.document import (
    REVIEW_BELOW,
    OcrDocument,
    Word,
    mean_confidence,
    sure_share,
    text_of,
)
from lowdiff.ocr.engine import ForOneImage, RawWord, StoppableEngine
from lowdiff.ocr.first_look import LOOK_PX, MIN_ROW, look_for_text
from lowdiff.ocr.plan import PAGE_MODE, SPARSE_MODE, Plan
from lowdiff.ocr.prepare import SVG_PX, prepare
from lowdiff.ocr.reading import read_words, worth_reading


@dataclass(frozen=True)
class Reader:
    """Engines and how they are used."""

    engines: tuple[StoppableEngine, ...]
    languages: tuple[str, ...]
    page_modes: tuple[int, int] = (PAGE_MODE, SPARSE_MODE)
    """Tesseract's segmentation of a page, and of single words."""
    timeout_s: float = math.inf
    """For all readings of one image together."""
    first_look: bool = True
    """Leave out images in which nothing looks like a line of letters."""

    def plan(self, deadline: float = math.inf) -> Plan:
        """What is read with which engine, until `time.monotonic` is at the deadline."""
        engines = {engine.name: ForOneImage(engine, deadline) for engine in self.engines}
        return Plan(engines, page_mode=self.page_modes[0], sparse_mode=self.page_modes[1])

    def read_words(self, rgba: Image.Image, plan: Plan, *, item: str) -> list[RawWord]:
        """The words of a decoded image, in reading order and in its pixels."""
        if len(plan.engines) > 1 and needs_tesseract(self.languages):
            return read_mixed(rgba, plan, item=item)
        return read_words(rgba, plan, item=item).words

    @property
    def parameters(self) -> dict[str, Any]:
        """What the result depends on, beside the engines' versions."""
        return {**self.plan().parameters, "first_look": self.first_look}


def read_image(
    body: bytes,
    image_format: str,
    *,
    image_id: str,
    size_px: tuple[int, int],
    reader: Reader,
    item: str | None = None,
) -> OcrDocument:
    """Read one image.

    Args:
        body: the original bytes.
        size_px: width and height in whose pixels the boxes are told.
        item: path for messages; default: the id.

    Raises:
        InputError: the image cannot be decoded, or an engine hung or crashed on it.
    """
    started, item = time.perf_counter(), item or image_id
    plan = reader.plan(time.monotonic() + reader.timeout_s)
    is_svg = image_format == "svg"
    decoded = decode(body, image_format, item=item, longest_px=LOOK_PX if is_svg else None)
    marks = look_for_text(prepare(decoded).image) if reader.first_look else MIN_ROW
    words: list[Word] = []
    if worth_reading(decoded, plan, marks=marks, item=item):
        if is_svg:  # the look was taken at a small and cheap rendering
            decoded = decode(body, image_format, item=item, longest_px=SVG_PX)
        found = reader.read_words(decoded, plan, item=item)
        words = place_words(found, decoded_px=decoded.size, size_px=size_px)
    return OcrDocument(
        image_id=image_id,
        width_px=size_px[0],
        height_px=size_px[1],
        engine="+".join(engine.name for engine in reader.engines),
        engine_version=", ".join(f"{engine.name} {engine.version}" for engine in reader.engines),
        parameters=reader.parameters,
        languages=list(reader.languages),
        words=words,
        text=text_of(words),
        mean_confidence=mean_confidence(words),
        sure_share=sure_share(words),
        needs_review=any(word.confidence < REVIEW_BELOW for word in words),
        seconds=round(time.perf_counter() - started, 4),
    )


def place_words(
    words: Sequence[RawWord], *, decoded_px: tuple[int, int], size_px: tuple[int, int]
) -> list[Word]:
    """Words with boxes in pixels of `size_px`; lines and blocks numbered from 0."""
    lines = _numbered([word.line for word in words])
    blocks = _numbered([word.line[:1] for word in words])
    ratios = (size_px[0] / decoded_px[0], size_px[1] / decoded_px[1])
    placed = []
    for word in words:
        x, y, width, height = word.box
        left, right = _clip(x * ratios[0], (x + width) * ratios[0], size_px[0])
        top, bottom = _clip(y * ratios[1], (y + height) * ratios[1], size_px[1])
        placed.append(
            Word(
                text=word.text,
                confidence=round(word.confidence, 4),
                sure=word.confidence >= SURE,
                engine=word.engine,
                x_px=left,
                y_px=top,
                w_px=right - left,
                h_px=bottom - top,
                rotation_deg=word.rotation,
                line=lines[word.line],
                block=blocks[word.line[:1]],
            )
        )
    return placed


def _numbered(keys: Sequence[tuple[int, ...]]) -> Mapping[tuple[int, ...], int]:
    return {key: number for number, key in enumerate(sorted(set(keys)))}


def _clip(low: float, high: float, size: int) -> tuple[int, int]:
    first = min(max(round(low), 0), size)
    return first, min(max(round(high), first), size)
