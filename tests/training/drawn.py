"""A dataset version of small drawn pictures, written as the exporter does."""

import hashlib
import io
import json
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import DatasetVersion
from lowdiff.catalog.versions import add_version
from lowdiff.datasets.layout import FORMAT, MANIFEST_FILE, SPLITS, version_folder
from lowdiff.datasets.read import Version, open_version
from lowdiff.datasets.shards import ShardWriter
from lowdiff.workspace import Workspace

COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (40, 80, 220), "black": (0, 0, 0)}
SHAPES = ("circle", "square", "triangle")
SCHEMA = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("image_id", pa.string()),
        ("caption", pa.string()),
        ("ocr_text", pa.string()),
    ]
)


def draw(
    shape: str, colour: tuple[int, int, int], side_px: int, *, size_px: int = 32
) -> Image.Image:
    picture = Image.new("RGB", (size_px, size_px), (255, 255, 255))
    pen = ImageDraw.Draw(picture)
    low, high = (size_px - side_px) // 2, (size_px + side_px) // 2
    if shape == "circle":
        pen.ellipse((low, low, high, high), fill=colour, outline=(0, 0, 0))
    elif shape == "square":
        pen.rectangle((low, low, high, high), fill=colour, outline=(0, 0, 0))
    else:
        pen.polygon([(low, high), (high, high), (size_px // 2, low)], fill=colour)
    return picture


def shapes(side_px: int) -> list[tuple[Image.Image, str]]:
    return [
        (
            draw(shape, rgb, side_px),
            f"A {colour} {shape}, one centred figure on a plain background.",
        )
        for shape in SHAPES
        for colour, rgb in COLOURS.items()
    ]


def drawn_version(
    workspace: Workspace, catalog: Catalog, now: datetime, *, number: int = 1, sides=(12, 20)
) -> Version:
    """12 shapes per side length to train on, and 6 each to validate and to test."""
    train = [one for side in sides for one in shapes(side)]
    held_out = shapes(16)
    return write_dataset(
        workspace,
        catalog,
        now,
        {"train": train, "validation": held_out[::2], "test": held_out[1::2]},
        number=number,
    )


def write_dataset(
    workspace: Workspace,
    catalog: Catalog,
    now: datetime,
    splits: dict[str, Sequence[tuple[Image.Image, str] | tuple[Image.Image, str, str]]],
    *,
    number: int = 1,
    name: str = "brand",
) -> Version:
    folder = version_folder(workspace.datasets, name, number)
    shards = []
    for split in SPLITS:
        writer = ShardWriter(folder, split, SCHEMA)
        rows = [_row(*one) for one in splits[split]]
        if rows:
            writer.write(rows)
            shards += writer.finish()
    entries = [
        {"path": s.path, "split": s.split, "rows": s.rows, "bytes": s.bytes, "sha256": s.sha256}
        for s in shards
    ]
    digest = hashlib.sha256(json.dumps(entries).encode()).hexdigest()
    manifest = {
        "format": FORMAT,
        "name": name,
        "version": number,
        "digest": digest,
        "schema_version": "1.0",
        "columns": SCHEMA.names,
        "shards": entries,
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest), encoding="utf-8")
    with catalog.write() as session:
        row = DatasetVersion(
            digest=digest,
            name=name,
            version=number,
            schema_version="1.0",
            recipe={},
            counts={},
            path=str(folder.relative_to(workspace.root)),
            created_at=now,
        )
        add_version(session, row, {})
    return open_version(folder)


def _row(picture: Image.Image, caption: str, words: str | None = None) -> dict[str, object]:
    body = io.BytesIO()
    picture.save(body, format="PNG")
    image_id = hashlib.sha256(np.asarray(picture).tobytes() + caption.encode()).hexdigest()
    return {
        "image": {"bytes": body.getvalue(), "path": f"{image_id}.png"},
        "image_id": image_id,
        "caption": caption,
        "ocr_text": words,
    }


def as_pixels(pictures: Sequence[tuple[Image.Image, str]]) -> np.ndarray:
    return np.stack([np.asarray(picture) for picture, _ in pictures])


__all__ = ["as_pixels", "draw", "drawn_version", "shapes", "write_dataset"]
