"""A small drawn corpus in a catalog: real PNG and SVG files with labels, made by the tests."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PIL import Image, ImageDraw

from lowdiff.catalog import Catalog
from lowdiff.catalog.images import add_image
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import Image as ImageRow
from lowdiff.catalog.tables import LabelEvent, Sighting
from lowdiff.ingest.decode import decode, pixel_hash, sniff_format
from lowdiff.store import Store, image_key, sha256_hex

NOW = datetime(2026, 1, 2, 3, 4, 5)
COLOURS = ["red", "green", "blue", "orange", "purple", "teal", "black", "gold"]
SHAPES = ["circle", "square", "bar", "triangle"]


def drawn_png(index: int, size: tuple[int, int] = (90, 60)) -> bytes:
    """A coloured shape at a place of its own; every index gives other pixels."""
    image = Image.new("RGBA", size, (255, 255, 255, 0))
    pen = ImageDraw.Draw(image)
    x, y = index % 30, index // 30
    box = (x, y, x + 40, y + 40)
    colour = COLOURS[index % len(COLOURS)]
    shape = SHAPES[index % len(SHAPES)]
    if shape == "circle":
        pen.ellipse(box, fill=colour)
    elif shape == "triangle":
        pen.polygon([(x, y + 40), (x + 20, y), (x + 40, y + 40)], fill=colour)
    else:
        pen.rectangle(box if shape == "square" else (x, y, x + 40, y + 12), fill=colour)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def drawn_svg(index: int) -> bytes:
    colour = COLOURS[index % len(COLOURS)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72">'
        f'<circle cx="{20 + index % 30}" cy="36" r="{8 + index % 9}" fill="{colour}"/></svg>'
    ).encode()


def keep(
    catalog: Catalog,
    store: Store,
    body: bytes,
    *,
    title: str,
    family_id: str | None = None,
    caption: str | None = "",
    confidence: float = 0.9,
) -> str:
    """Ingest one image by hand and draft its labels; returns its id."""
    image_id = sha256_hex(body)
    image_format = sniff_format(body, item=title)
    pixels = decode(body, image_format, item=title)
    store.put(image_key(image_id, image_format), body)
    row = ImageRow(
        id=image_id,
        pixel_hash=pixel_hash(pixels),
        format=image_format,
        width_px=pixels.width,
        height_px=pixels.height,
        size_bytes=len(body),
        has_alpha=True,
        family_id=family_id,
        created_at=NOW,
    )
    sighting = Sighting(
        image_id=image_id,
        source="drawings",
        url=f"{title}.{image_format}",
        licence="CC0-1.0",
        attribution="The tests",
        title=title,
        tags=["drawn", title.split()[0]],
        evidence={},
        seen_at=NOW,
    )
    said = caption or f"A {title}, one small figure on a transparent background."
    drafts = [
        _event(image_id, "caption", said, confidence=confidence),
        _event(image_id, "background", "transparent", confidence=0.99),
        _event(image_id, "layout", "left", confidence=0.5),
    ]
    with catalog.write() as session:
        add_image(session, row, sighting)
        append_events(session, drafts if caption is not None else [])
    return image_id


def say(
    catalog: Catalog,
    image_id: str,
    field: str,
    value: Any,
    *,
    confidence: float | None = None,
    human: str | None = None,
) -> None:
    """One statement about an image, by a drafter or by a person."""
    with catalog.write() as session:
        append_events(session, [_event(image_id, field, value, confidence, human)])


def _event(
    image_id: str,
    field: str,
    value: Any,
    confidence: float | None = None,
    human: str | None = None,
) -> LabelEvent:
    return LabelEvent(
        image_id=image_id,
        field=field,
        value=value,
        origin="human" if human else "rule",
        actor=human or f"{field}-test/1",
        confidence=None if human else confidence,
        schema_version="1.0",
        annotation_key=f"{human}:{field}:{value}"[:64] if human else None,
        created_at=NOW,
    )


def draw_corpus(catalog: Catalog, store: Store, indexes: Sequence[int]) -> list[str]:
    """Keep one drawn image for each index: every third an SVG, the others PNG."""
    ids = []
    for index in indexes:
        body = drawn_svg(index) if index % 3 == 0 else drawn_png(index)
        title = f"{COLOURS[index % len(COLOURS)]} {SHAPES[index % len(SHAPES)]} {index}"
        ids.append(keep(catalog, store, body, title=title))
    return ids
