"""All fields of one image drafted: measured, read, or taken from its source. No I/O.

The confidences are honest guesses by rule; they can be calibrated once people have confirmed
enough drafts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.drafts.caption import NO_SUBJECT, CaptionParts, compose_caption, quotable
from lowdiff.labels.drafts.subject import is_title, subject_of
from lowdiff.labels.measure.background import measure_background
from lowdiff.labels.measure.colour import name_of
from lowdiff.labels.measure.figure import (
    FigureBox,
    figure_boxes,
    figure_pixels,
    main_colours,
    measure_layout,
    measure_saturation,
    measure_size,
)

MOST_BOXES = 12
LOGO_WORDS = frozenset(
    ("logo", "logos", "logotype", "wordmark", "brand", "brands", "trademark", "app-icon")
)
TITLED, UNTITLED = 0.9, 0.3
"""Confidence of a caption whose subject the source tells, and of one without a subject."""


@dataclass(frozen=True)
class SourceWords:
    """What the source says of an image."""

    title: str | None = None
    alt_text: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drafted:
    """The draft of one field."""

    value: str | list[str]
    confidence: float
    by: str
    """The drafter with its version: the actor of the label's history."""


@dataclass(frozen=True)
class Draft:
    """All fields of one image, and its figures."""

    fields: Mapping[str, Drafted]
    figures: Sequence[FigureBox]


def draft_fields(
    rgba: NDArray[np.uint8], *, source: SourceWords, ocr: Mapping[str, Any] | None
) -> Draft:
    """Draft every field.

    Args:
        rgba: pixels (h, w, 4), best not larger than 256 px.
        ocr: payload of the stage `ocr`; None when OCR refused the image.
    """
    background = measure_background(rgba)
    figures = figure_boxes(background.figure)
    pixels = figure_pixels(rgba, background.figure)
    size = measure_size(background.figure)
    layout = measure_layout(background.figure, figures)
    saturation = measure_saturation(pixels)
    transcription = draft_transcription(ocr)
    cut_out = background.kind in ("transparent", "plain", "gradient")
    # where the figure could not be cut out, what is measured on it means less
    trust = 1.0 if cut_out else 0.7
    parts = CaptionParts(
        subject=_subject(source) or NO_SUBJECT,
        figures=max(1, len(figures)),
        figure_size=size.value,
        layout=layout.value,
        saturation=saturation.value,
        colours=main_colours(pixels),
        background=background.kind,
        ground_colour=name_of(background.colour) if background.colour else None,
        words=quotable(str(transcription.value)) if transcription.confidence >= 0.8 else "",
    )
    fields = {
        "background": Drafted(background.kind, background.confidence, "background-pixels/1"),
        "layout": Drafted(layout.value, round(trust * layout.confidence, 4), "figure-pixels/1"),
        "figure_size": Drafted(size.value, round(trust * size.confidence, 4), "figure-pixels/1"),
        "saturation": Drafted(saturation.value, saturation.confidence, "colour-pixels/1"),
        "logo": draft_logo(source, ocr),
        "transcription": transcription,
        "caption": Drafted(
            compose_caption(parts), TITLED if _subject(source) else UNTITLED, "caption-template/1"
        ),
        "flags": Drafted([], 0.9, "no-flags/1"),
    }
    return Draft(fields, figures[:MOST_BOXES])


def draft_transcription(ocr: Mapping[str, Any] | None) -> Drafted:
    """What OCR read; an empty text is a statement too, and mostly right."""
    by = "tesseract/1"
    if ocr is None:
        return Drafted("", 0.2, by)
    if not ocr["text"]:
        return Drafted("", 0.85, by)
    return Drafted(ocr["text"], round(0.95 * float(ocr["mean_confidence"] or 0), 4), by)


def draft_logo(source: SourceWords, ocr: Mapping[str, Any] | None) -> Drafted:
    """Whether the source calls it a logo. Nothing is looked at: without words it is a guess."""
    by = "logo-words/1"
    texts = [source.title or "", source.alt_text or "", *source.tags]
    words = {word for text in texts for word in re.findall(r"[a-z]+(?:-[a-z]+)*", text.lower())}
    if words & LOGO_WORDS:
        return Drafted("present", 0.9, by)
    if not words:
        return Drafted("none", 0.5, by)
    has_text = bool(ocr and ocr["text"])  # a word mark is a text
    return Drafted("none", 0.6 if has_text else 0.8, by)


def _subject(source: SourceWords) -> str | None:
    """An alt text describes the picture; a web page's title is often only a tooltip or a group."""
    for text in (source.alt_text, source.title):
        if text is not None and is_title(text):
            return subject_of(text)
    return None
