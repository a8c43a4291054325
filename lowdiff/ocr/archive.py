"""Documents in the formats of archives: hOCR 1.2 and ALTO 4.4, as text."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from lowdiff.ocr.document import OcrDocument, Word
from lowdiff.ocr.layout import around

ALTO = "http://www.loc.gov/standards/alto/ns-v4#"
ALTO_SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"
XHTML = "http://www.w3.org/1999/xhtml"
SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32)), " ")
"""Characters that no XML 1.0 document may hold."""


def to_hocr(document: OcrDocument) -> str:
    """An XHTML page: blocks, lines and words with boxes, `x_wconf` in percent.

    Source: hOCR 1.2, http://kba.github.io/hocr-spec/1.2/.
    """
    html = ElementTree.Element("html", {"xmlns": XHTML})
    head = ElementTree.SubElement(html, "head")
    ElementTree.SubElement(head, "title").text = document.image_id
    ElementTree.SubElement(head, "meta", {"charset": "utf-8"})
    for name, content in (
        ("ocr-system", f"lowdiff ({document.engine_version})"),
        ("ocr-capabilities", "ocr_page ocr_carea ocr_line ocrx_word"),
        ("ocr-langs", " ".join(document.languages)),
        ("ocr-number-of-pages", "1"),
    ):
        ElementTree.SubElement(head, "meta", {"name": name, "content": content})
    body = ElementTree.SubElement(html, "body")
    title = f"bbox 0 0 {document.width_px} {document.height_px}; ppageno 0"
    page = ElementTree.SubElement(body, "div", {"class": "ocr_page", "id": "page", "title": title})
    for number, lines in _blocks(document):
        every = [word for _, words in lines for word in words]
        area = _hocr(page, "div", "ocr_carea", f"block_{number}", every)
        for line_number, words in lines:
            line = _hocr(area, "span", "ocr_line", f"line_{line_number}", words)
            if turn := _turn(words):
                line.set("title", f"{line.get('title')}; textangle {-turn:g}")
            for place, word in enumerate(words):
                name = f"word_{line_number}_{place}"
                span = _hocr(line, "span", "ocrx_word", name, [word])
                span.set("title", f"{span.get('title')}; x_wconf {word.confidence * 100:.0f}")
                span.text = _plain(word.text)
                span.tail = " "
    return "<!DOCTYPE html>\n" + ElementTree.tostring(html, encoding="unicode") + "\n"


def to_alto(document: OcrDocument) -> str:
    """An ALTO page: `WC` is the confidence in [0, 1], boxes are in pixels.

    Source: ALTO 4.4, https://www.loc.gov/standards/alto/.
    """
    alto = ElementTree.Element(
        "alto",
        {
            "xmlns": ALTO,
            "xmlns:xsi": SCHEMA_INSTANCE,
            "xsi:schemaLocation": f"{ALTO} {ALTO_SCHEMA}",
            "SCHEMAVERSION": "4.4",
        },
    )
    description = ElementTree.SubElement(alto, "Description")
    ElementTree.SubElement(description, "MeasurementUnit").text = "pixel"
    source = ElementTree.SubElement(description, "sourceImageInformation")
    ElementTree.SubElement(source, "fileName").text = _plain(document.path or document.image_id)
    processing = ElementTree.SubElement(description, "Processing", {"ID": "OCR_1"})
    settings = {**document.parameters, "languages": document.languages}
    step = ElementTree.SubElement(processing, "processingStepSettings")
    step.text = json.dumps(settings, sort_keys=True)
    software = ElementTree.SubElement(processing, "processingSoftware")
    ElementTree.SubElement(software, "softwareName").text = document.engine
    ElementTree.SubElement(software, "softwareVersion").text = document.engine_version
    layout = ElementTree.SubElement(alto, "Layout")
    size = {"WIDTH": str(document.width_px), "HEIGHT": str(document.height_px)}
    page = ElementTree.SubElement(layout, "Page", {"ID": "page", "PHYSICAL_IMG_NR": "1", **size})
    space = ElementTree.SubElement(page, "PrintSpace", {"HPOS": "0", "VPOS": "0", **size})
    for number, lines in _blocks(document):
        every = [word for _, words in lines for word in words]
        block = ElementTree.SubElement(
            space, "TextBlock", {"ID": f"block_{number}", **_alto_box(every)}
        )
        if turn := _turn(every):
            block.set("ROTATION", f"{-turn:g}")  # counterclockwise
        for line_number, words in lines:
            place = {"ID": f"line_{line_number}", **_alto_box(words)}
            line = ElementTree.SubElement(block, "TextLine", place)
            for n, word in enumerate(words):
                if n:
                    ElementTree.SubElement(line, "SP")
                text = {"CONTENT": _plain(word.text), "WC": f"{word.confidence:.4f}"}
                name = {"ID": f"word_{line_number}_{n}"}
                ElementTree.SubElement(line, "String", {**name, **text, **_alto_box([word])})
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        + ElementTree.tostring(alto, encoding="unicode")
        + "\n"
    )


def _blocks(document: OcrDocument) -> Iterator[tuple[int, list[tuple[int, list[Word]]]]]:
    """Number and lines of each block; number and words of each line."""
    words = sorted(document.words, key=lambda word: (word.block, word.line))
    for block, inside in groupby(words, key=lambda word: word.block):
        lines = groupby(inside, key=lambda word: word.line)
        yield block, [(line, list(of_line)) for line, of_line in lines]


def _turn(words: Sequence[Word]) -> float:
    """Degrees by which all of the words are turned clockwise; 0 when they are not turned alike."""
    turns = {word.rotation_deg for word in words}
    return turns.pop() if len(turns) == 1 else 0.0


def _hocr(
    parent: ElementTree.Element, tag: str, kind: str, name: str, words: Sequence[Word]
) -> ElementTree.Element:
    left, top, width, height = _box(words)
    title = f"bbox {left} {top} {left + width} {top + height}"
    return ElementTree.SubElement(parent, tag, {"class": kind, "id": name, "title": title})


def _alto_box(words: Sequence[Word]) -> dict[str, str]:
    left, top, width, height = _box(words)
    return {
        "HPOS": str(left),
        "VPOS": str(top),
        "WIDTH": str(width),
        "HEIGHT": str(height),
    }


def _box(words: Sequence[Word]) -> tuple[int, int, int, int]:
    box: Any = around([(word.x_px, word.y_px, word.w_px, word.h_px) for word in words])
    return int(box[0]), int(box[1]), int(box[2]), int(box[3])


def _plain(text: str) -> str:
    return text.translate(_FORBIDDEN)
