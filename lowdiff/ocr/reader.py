"""Read one image: look first, read as a page, search for single words when that finds nothing."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from lowdiff.ingest.decode import decode
from lowdiff.ocr import choose
from lowdiff.ocr.document import OcrDocument, Word, mean_confidence, text_of
from lowdiff.ocr.first_look import LOOK_PX, MIN_ROW, look_for_text
from lowdiff.ocr.prepare import SVG_PX, Prepared, prepare
from lowdiff.ocr.tesseract import RawWord, Tesseract

ENGINE = "tesseract"
PAGE_MODE = 3
"""Tesseract's automatic page segmentation: best on pages and screenshots, quiet on drawings."""
SPARSE_MODE = 11
"""Sparse text: finds the words of logos, stickers and signs."""
REVIEW_BELOW = 0.8
"""A person should look when the mean confidence is lower."""


@dataclass(frozen=True)
class Reader:
    """An engine and how it is used."""

    engine: Tesseract
    first_look: bool = True
    """Leave out images in which nothing looks like a line of letters."""

    @property
    def parameters(self) -> dict[str, Any]:
        """What the result depends on, beside the engine's version."""
        return {"page_modes": [PAGE_MODE, SPARSE_MODE], "first_look": self.first_look}


def read_image(
    body: bytes, image_format: str, *, image_id: str, size_px: tuple[int, int], reader: Reader
) -> OcrDocument:
    """Read one image.

    Args:
        body: the original bytes.
        size_px: width and height in whose pixels the boxes are told.

    Raises:
        InputError: the image cannot be decoded, or the engine hung or crashed on it.
    """
    started = time.perf_counter()
    is_svg = image_format == "svg"
    decoded = decode(body, image_format, item=image_id, longest_px=LOOK_PX if is_svg else None)
    prepared = prepare(decoded)
    marks = look_for_text(prepared.image) if reader.first_look else MIN_ROW
    words: list[Word] = []
    if marks:
        if is_svg:  # the look was taken at a small and cheap rendering
            decoded = decode(body, image_format, item=image_id, longest_px=SVG_PX)
            prepared = prepare(decoded)
        raw = _read_words(prepared.image, reader, marks, item=image_id)
        words = place_words(raw, prepared, decoded_px=decoded.size, size_px=size_px)
    mean = mean_confidence(words)
    return OcrDocument(
        image_id=image_id,
        width_px=size_px[0],
        height_px=size_px[1],
        engine=ENGINE,
        engine_version=reader.engine.version,
        parameters=reader.parameters,
        languages=list(reader.engine.languages),
        words=words,
        text=text_of(words),
        mean_confidence=mean,
        needs_review=mean is not None and mean < REVIEW_BELOW,
        seconds=round(time.perf_counter() - started, 4),
    )


def _read_words(image: Image.Image, reader: Reader, marks: int, *, item: str) -> list[RawWord]:
    if marks < MIN_ROW:  # a page of two letters is none
        sparse = reader.engine.read(image, page_mode=SPARSE_MODE, item=item)
        return choose.writing(sparse, choose.SPARSE)
    straight = reader.engine.read(image, page_mode=PAGE_MODE, item=item)
    if choose.is_page(straight):
        return choose.page_writing(straight)
    found = choose.writing(straight, choose.STRAIGHT)
    if found:
        return found
    sparse = reader.engine.read(image, page_mode=SPARSE_MODE, item=item)
    return choose.writing(sparse, choose.SPARSE)


def place_words(
    raw: Sequence[RawWord],
    prepared: Prepared,
    *,
    decoded_px: tuple[int, int],
    size_px: tuple[int, int],
) -> list[Word]:
    """Words with boxes in pixels of `size_px`; lines and blocks numbered from 0."""
    line_numbers = _numbered([word.line for word in raw])
    block_numbers = _numbered([word.line[:1] for word in raw])
    ratios = (size_px[0] / decoded_px[0], size_px[1] / decoded_px[1])
    words = []
    for word in raw:
        x, y, width, height = prepared.box_in_decoded(word.box)
        left, right = _clip(x * ratios[0], (x + width) * ratios[0], size_px[0])
        top, bottom = _clip(y * ratios[1], (y + height) * ratios[1], size_px[1])
        words.append(
            Word(
                text=word.text,
                confidence=round(word.confidence, 4),
                x_px=left,
                y_px=top,
                w_px=right - left,
                h_px=bottom - top,
                line=line_numbers[word.line],
                block=block_numbers[word.line[:1]],
            )
        )
    return words


def _numbered(keys: Sequence[tuple[int, ...]]) -> Mapping[tuple[int, ...], int]:
    return {key: number for number, key in enumerate(sorted(set(keys)))}


def _clip(low: float, high: float, size: int) -> tuple[int, int]:
    first = min(max(round(low), 0), size)
    return first, min(max(round(high), first), size)
