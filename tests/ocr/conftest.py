"""Images with known words, and the real engine."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from lowdiff.catalog import Catalog
from lowdiff.catalog.images import add_image
from lowdiff.catalog.tables import Image, Sighting
from lowdiff.ingest.decoders import open_decoders
from lowdiff.ingest.limits import Limits
from lowdiff.ocr.open import open_reader
from lowdiff.ocr.reader import Reader
from lowdiff.store import Store, image_key, sha256_hex

Draw = Callable[..., Picture.Image]
Keep = Callable[..., str]


@pytest.fixture(scope="session")
def reader() -> Reader:
    return open_reader(("eng",), timeout_s=60)


@pytest.fixture(scope="session")
def files() -> Iterator[dict[str, Any]]:
    """What `read_file` needs beside a reader."""
    with open_decoders(1) as decoders:
        yield {"decoders": decoders, "limits": Limits()}


@pytest.fixture(scope="session")
def written() -> Draw:
    def draw(
        text: str,
        *,
        ink: tuple[int, ...] = (0, 0, 0, 255),
        ground: tuple[int, ...] = (255, 255, 255, 255),
        size_px: tuple[int, int] = (400, 200),
        at_px: tuple[int, int] = (40, 60),
        font_px: int = 40,
    ) -> Picture.Image:
        picture = Picture.new("RGBA", size_px, ground)
        font = ImageFont.load_default(font_px)
        ImageDraw.Draw(picture).multiline_text(at_px, text, fill=ink, font=font)
        return picture

    return draw


@pytest.fixture
def keep(catalog: Catalog, store: Store, now: datetime) -> Keep:
    """Put a picture into store and catalog, as ingest does; returns its id."""

    def put(picture: Picture.Image, source: str = "own") -> str:
        body = png(picture)
        image_id = sha256_hex(body)
        store.put(image_key(image_id, "png"), body)
        image = Image(
            id=image_id,
            pixel_hash=image_id,
            format="png",
            width_px=picture.width,
            height_px=picture.height,
            size_bytes=len(body),
            has_alpha=False,
            created_at=now,
        )
        sighting = Sighting(
            image_id=image_id,
            source=source,
            url=f"{image_id}.png",
            licence="CC0-1.0",
            attribution="nobody",
            tags=[],
            evidence={},
            seen_at=now,
        )
        with catalog.write() as session:
            add_image(session, image, sighting)
        return image_id

    return put


def png(picture: Picture.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
