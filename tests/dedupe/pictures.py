"""A small corpus whose truth is known: drawings, re-encodings, and variants of a template."""

import io
import random
from datetime import datetime

from PIL import Image as Pixels
from PIL import ImageDraw, ImageFont

from lowdiff.catalog import Catalog
from lowdiff.catalog.images import add_image
from lowdiff.catalog.tables import Image, Sighting
from lowdiff.ingest.decode import decode, pixel_hash
from lowdiff.store import Store, image_key, sha256_hex

NOW = datetime(2026, 1, 2)
COLOURS = ["#c0392b", "#2a6f97", "#3a7d44", "#e0a437", "#5b3a8c", "#111111", "#e377c2"]


def drawing(seed: int, side_px: int = 240) -> Pixels.Image:
    """A scene of some shapes; every seed gives another one."""
    dice = random.Random(seed)
    image = Pixels.new("RGB", (side_px, side_px), dice.choice(["#ffffff", "#f3ead7", "#dfe9f3"]))
    pen = ImageDraw.Draw(image)
    for _ in range(9):
        x, y = dice.randrange(side_px - 60), dice.randrange(side_px - 60)
        box = (x, y, x + dice.randrange(25, 110), y + dice.randrange(25, 110))
        draw = dice.choice([pen.ellipse, pen.rectangle])
        draw(box, fill=dice.choice(COLOURS))
    return image


def poster(text: str, seed: int = 7) -> Pixels.Image:
    """The same template with a text of its own."""
    image = drawing(seed)
    pen = ImageDraw.Draw(image)
    pen.rectangle((20, 150, 220, 215), fill="#ffffff")
    pen.text((30, 160), text, fill="#111111", font=ImageFont.load_default(34))
    return image


def png(image: Pixels.Image) -> bytes:
    return _saved(image, "PNG")


def jpeg(image: Pixels.Image, quality: int = 70) -> bytes:
    return _saved(image, "JPEG", quality=quality)


def png_with_note(image: Pixels.Image) -> bytes:
    """Other bytes, the same pixels."""
    return _saved(image, "PNG", compress_level=1)


def corpus() -> dict[str, tuple[bytes, str]]:
    """Name → (bytes, format)."""
    bodies = {f"drawing {seed}": (png(drawing(seed)), "png") for seed in range(8)}
    bodies["drawing 0 again"] = png_with_note(drawing(0)), "png"
    bodies["drawing 0 as jpeg"] = jpeg(drawing(0)), "jpeg"
    bodies["drawing 1 as jpeg"] = jpeg(drawing(1)), "jpeg"
    bodies["drawing 1 small"] = png(drawing(1).resize((160, 160))), "png"
    for text in ("SALE 50 %", "OPEN DAY", "NEW SHOP"):
        bodies[f"poster {text}"] = png(poster(text)), "png"
    return bodies


def keep(
    catalog: Catalog, store: Store, body: bytes, image_format: str, *, title: str, at: datetime
) -> str:
    """What ingest does, by hand; returns the image's id."""
    image_id = sha256_hex(body)
    pixels = decode(body, image_format, item=title)
    store.put(image_key(image_id, image_format), body)
    row = Image(
        id=image_id,
        pixel_hash=pixel_hash(pixels),
        format=image_format,
        width_px=pixels.width,
        height_px=pixels.height,
        size_bytes=len(body),
        has_alpha=False,
        embedded={},
        created_at=at,
    )
    sighting = Sighting(
        image_id=image_id,
        source="drawings",
        url=title,
        licence="CC0-1.0",
        attribution="The tests",
        title=title,
        tags=[],
        evidence={},
        seen_at=at,
    )
    with catalog.write() as session:
        add_image(session, row, sighting)
    return image_id


def _saved(image: Pixels.Image, image_format: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()
