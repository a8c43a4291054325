"""Rectangles for the annotator, from what OCR read and what the draft measured. No I/O."""

from collections.abc import Mapping, Sequence
from typing import Any

from lowdiff.catalog.tables import Image
from lowdiff.labels.desk.tasks import Box, box_of_pixels

MAX_TEXT_BOXES = 60
"""The largest lines; a whole page of rectangles helps nobody."""


def draft_boxes(
    image: Image, *, draft: Mapping[str, Any], ocr: Mapping[str, Any] | None
) -> tuple[Box, ...]:
    """The rectangles of one image, figures first.

    Args:
        draft: payload of its draft; `boxes` holds `{label, x_px, y_px, w_px, h_px}` in pixels of
            the image's size in the catalog.
        ocr: its OCR document, when there is one.
    """
    figures = [_box(image, entry["label"], entry) for entry in draft.get("boxes") or ()]
    lines = [_box(image, "Text", line) for line in lines_of((ocr or {}).get("words") or ())]
    texts = sorted((line for line in lines if line), key=lambda box: -box.w_pct * box.h_pct)
    kept = sorted(texts[:MAX_TEXT_BOXES], key=lambda box: (box.y_pct, box.x_pct))
    return tuple(box for box in [*figures, *kept] if box)


def _box(image: Image, label: str, entry: Mapping[str, Any]) -> Box | None:
    return box_of_pixels(
        label,
        x_px=entry["x_px"],
        y_px=entry["y_px"],
        w_px=entry["w_px"],
        h_px=entry["h_px"],
        width_px=image.width_px,
        height_px=image.height_px,
        text=entry.get("text", ""),
    )


def lines_of(words: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry per line of OCR: the union of its words' boxes, their texts joined, in pixels."""
    grouped: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for word in words:
        grouped.setdefault((word["block"], word["line"]), []).append(word)
    lines = []
    for line in grouped.values():
        left = min(word["x_px"] for word in line)
        top = min(word["y_px"] for word in line)
        lines.append(
            {
                "x_px": left,
                "y_px": top,
                "w_px": max(word["x_px"] + word["w_px"] for word in line) - left,
                "h_px": max(word["y_px"] + word["h_px"] for word in line) - top,
                "text": " ".join(word["text"] for word in line),
            }
        )
    return lines
