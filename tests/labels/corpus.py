"""Images with drafts, as the rooms before this one leave them."""

import io
from datetime import datetime

from PIL import Image as Pixels
from PIL import ImageDraw

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, Stage, record
from lowdiff.catalog.images import add_image
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import Image, LabelEvent, Sighting
from lowdiff.store import Store, image_key, sha256_hex

SEEN_AT = datetime(2026, 1, 2, 3, 4, 5)
DRAFTED = {
    "caption": ("A disc, one large centred figure in vivid colours.", 0.8),
    "background": ("transparent", 0.99),
    "figure_size": ("large", 0.9),
    "background_colour": ("none", 0.99),
    "layout": ("centred", 0.8),
    "figure_count": ("one", 0.9),
    "saturation": ("vivid", 0.6),
    "palette": (["red"], 0.7),
    "style": ("flat", 0.7),
    "quality": ("good", 0.8),
    "logo": ("none", 0.5),
    "transcription": ("", 0.9),
    "flags": ([], 0.9),
}


def disc(number: int, *, size: tuple[int, int] = (120, 90)) -> bytes:
    """A PNG with a disc on nothing; every number gives another colour."""
    image = Pixels.new("RGBA", size)
    colour = (number * 7 % 256, number * 31 % 256, number * 101 % 256, 255)
    ImageDraw.Draw(image).ellipse((20, 10, size[0] - 20, size[1] - 10), fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def add(catalog: Catalog, store: Store, body: bytes, *, width_px: int, height_px: int) -> str:
    """Keep an image without a draft."""
    image_id = sha256_hex(body)
    store.put(image_key(image_id, "png"), body)
    image = Image(
        id=image_id, pixel_hash=image_id, format="png", width_px=width_px, height_px=height_px,
        size_bytes=len(body), has_alpha=True, created_at=SEEN_AT,
    )  # fmt: skip
    sighting = Sighting(
        image_id=image_id, source="test", url=image_id, licence="CC0-1.0", attribution="",
        tags=[], evidence={}, seen_at=SEEN_AT,
    )  # fmt: skip
    with catalog.write() as session:
        add_image(session, image, sighting)
    return image_id


def draft(catalog: Catalog, image_ids: list[str], **changed: tuple[object, float]) -> None:
    """Give images the labels and the artifact of a draft."""
    events = [
        LabelEvent(
            image_id=image_id,
            field=name,
            value=value,
            origin="rule",
            actor=f"{name}/1",
            confidence=confidence,
            schema_version="2.0",
            created_at=SEEN_AT,
        )
        for image_id in image_ids
        for name, (value, confidence) in (DRAFTED | changed).items()
    ]
    figure = {"label": "Figure", "x_px": 20, "y_px": 10, "w_px": 80, "h_px": 70}
    outcomes = [Outcome(image_id, "ok", {"boxes": [figure]}) for image_id in image_ids]
    with catalog.write() as session:
        append_events(session, events)
        record(session, Stage("draft", "1"), outcomes, now=SEEN_AT)


def add_drafted(catalog: Catalog, store: Store, numbers: range) -> list[str]:
    """Discs with drafts; returns their ids in order."""
    ids = [add(catalog, store, disc(n), width_px=120, height_px=90) for n in numbers]
    draft(catalog, ids)
    return sorted(ids)
