"""All fields of one image drafted: measured, read, or taken from its source. No I/O.

Several drafters may speak of one field; all their statements are kept, the surest one is the draft.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.accept.calibrate import Calibration
from lowdiff.labels.drafts.boxes import lines_of
from lowdiff.labels.drafts.caption import NO_SUBJECT, compose_caption, parts_of
from lowdiff.labels.drafts.subject import is_title, subject_of
from lowdiff.labels.measure.figure import FigureBox
from lowdiff.labels.measure.picture import MEASURED, Measures, measure_picture

MOST_BOXES = 12
LOGO_WORDS = frozenset(
    ("logo", "logos", "logotype", "wordmark", "brand", "brands", "trademark", "app-icon")
)
LOGO_OF = re.compile(r"(?:the )?((?!an? ).{2,40}?) (?:logo|logotype|wordmark)", re.IGNORECASE)
TITLED, OWN_WORDS, UNTITLED = 0.9, 0.6, 0.3
"""Confidence of a caption whose subject the source tells, of the source's own words as they are,
and of a caption without a subject."""
QUOTED = 0.8
"""Least confidence of a text that a caption quotes."""
EMPTY, EMPTY_DOUBTED, UNREAD = 0.9, 0.5, 0.2
"""Confidence that nothing is written, when OCR found nothing, saw something, or was not there."""
PIXELS, READ, SOURCE_CAPTION, TEMPLATE = (
    "pixels/2", "ocr-words/2", "source-caption/3", "caption-template/3",
)  # fmt: skip
"""Drafters with their versions; what comes before the slash is their family."""


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
    origin: str = "rule"
    """`rule`, `model` or `propagated`, as in the label's history."""


@dataclass(frozen=True)
class Picture:
    """One image as drafters see it."""

    image_id: str
    rgba: NDArray[np.uint8]
    """Pixels (h, w, 4), best not larger than 256 px."""
    source: SourceWords
    ocr: Mapping[str, Any] | None
    """Payload of the stage `ocr`; None when OCR refused the image."""
    document: Mapping[str, Any] | None = None
    """The OCR document, with the words' boxes."""


Drafter = Callable[[Picture], Mapping[str, Drafted]]
"""Drafts some fields of a picture; learned drafters have this form too."""


@dataclass(frozen=True)
class Draft:
    """All fields of one image, and its figures."""

    fields: Mapping[str, Drafted]
    """The surest statement on each field."""
    candidates: Mapping[str, Sequence[Drafted]]
    """Every statement on each field, the surest first."""
    figures: Sequence[FigureBox]
    numbers: Sequence[float] = ()
    """Behind the measured values (`measure.numbers`)."""


UNCALIBRATED = Calibration({})


def draft_fields(
    picture: Picture,
    *,
    drafters: Sequence[Drafter] = (),
    calibration: Calibration = UNCALIBRATED,
    details: bool = True,
) -> Draft:
    """Draft every field.

    Args:
        drafters: others who have a say, such as the learned ones.
        calibration: by which statements of different drafters are compared; what is kept is each
            drafter's own confidence.
        details: captions tell what was measured, too, beside the subject.
    """
    measured = measure_picture(picture.rgba, _word_boxes(picture.document))
    said: dict[str, list[Drafted]] = {}
    for name in MEASURED:
        said[name] = [Drafted(measured.values[name], measured.confidence[name], PIXELS)]
    said["logo"] = [draft_logo(picture.source, picture.ocr)]
    said["brand"] = [draft_brand(picture.source)]
    said["transcription"] = [draft_transcription(picture.ocr, picture.document)]
    said["style"] = [Drafted("photo" if _is_scene(measured) else "flat", 0.4, "usual/1")]
    said["quality"] = [Drafted("good", 0.5, "usual/1")]
    said["flags"] = [Drafted([], 0.85, "no-flags/1")]
    for drafter in drafters:
        for name, drafted in drafter(picture).items():
            said.setdefault(name, []).append(drafted)

    def sure(name: str, one: Drafted) -> float:
        return calibration.calibrated(name, one.by, one.confidence)

    best = {name: max(ones, key=lambda one: sure(name, one)) for name, ones in said.items()}
    said["caption"] = [
        *draft_captions(best, picture.source, details=details),
        *said.get("caption", ()),
    ]
    for name, ones in said.items():
        ones.sort(key=lambda one: -sure(name, one))
    fields = {name: ones[0] for name, ones in said.items()}
    return Draft(fields, said, measured.figures[:MOST_BOXES], measured.numbers)


def draft_captions(
    fields: Mapping[str, Drafted], source: SourceWords, *, details: bool = True
) -> list[Drafted]:
    """The template, and beside it the source's own words as they are."""
    shown = {name: one.value for name, one in fields.items()} if details else {}
    if fields["transcription"].confidence < QUOTED:
        shown.pop("transcription", None)
    subject = _subject(source)
    parts = parts_of(subject or NO_SUBJECT, shown)
    if subject is None:
        return [Drafted(compose_caption(parts), UNTITLED, TEMPLATE)]
    told = next(text for text in (source.alt_text, source.title) if is_title(text))
    own = " ".join(str(told).split())
    return [
        Drafted(compose_caption(parts), TITLED, SOURCE_CAPTION),
        Drafted(own, OWN_WORDS, "source-words/1"),
    ]


def draft_transcription(
    ocr: Mapping[str, Any] | None, document: Mapping[str, Any] | None = None
) -> Drafted:
    """What OCR read; an empty text is a statement too, and mostly right.

    A text is right when all its words are: the product of their calibrated confidences.
    """
    if ocr is None:
        return Drafted("", UNREAD, READ)
    if not ocr["text"]:
        doubted = bool(ocr.get("needs_review"))
        return Drafted("", EMPTY_DOUBTED if doubted else EMPTY, READ)
    words = [float(word["confidence"]) for word in (document or {}).get("words") or ()]
    if not words:
        words = [float(ocr["mean_confidence"] or 0)] * max(1, len(ocr["text"].split()))
    return Drafted(ocr["text"], round(math.prod(words), 4), READ)


def draft_brand(source: SourceWords) -> Drafted:
    """The name beside the word "logo" in a title or alt text; else nobody's."""
    for text in (source.alt_text, source.title):
        found = LOGO_OF.fullmatch(text or "")
        if found:
            return Drafted(found[1], 0.8, "source-brand/1")
    return Drafted("", 0.5, "no-brand/1")  # not the source's word: it says nothing


def _is_scene(measured: Measures) -> bool:
    return measured.values["background"] == "photo"


def _word_boxes(document: Mapping[str, Any] | None) -> list[FigureBox]:
    """The lines of an OCR document, in shares of the picture."""
    if not document:
        return []
    width, height = document["width_px"], document["height_px"]
    return [
        FigureBox(
            line["x_px"] / width,
            line["y_px"] / height,
            (line["x_px"] + line["w_px"]) / width,
            (line["y_px"] + line["h_px"]) / height,
        )
        for line in lines_of(document["words"])
    ]


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
