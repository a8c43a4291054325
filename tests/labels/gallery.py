"""A catalog and a store with drawn pictures, their drafts, and people who label some of them."""

import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from PIL import Image as Picture
from PIL import ImageDraw

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, Stage, record
from lowdiff.catalog.images import add_image
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import DuplicateEdge, Image, LabelEvent, Sighting
from lowdiff.store import Store, image_key, sha256_hex
from tests.labels.forms import SCHEMA

NOW = datetime(2026, 3, 2, 9)
DRAFT = Stage("draft", "2", {"of": "tests"})
SHARE = 0.2
"""Of audited images."""
BARE = "A graphic, one large centred figure in vivid red on a plain white background."


def disc(number: int, *, outline: bool, side: int = 96) -> Picture.Image:
    """A disc of some colour and size, filled or as a line."""
    picture = Picture.new("RGBA", (side, side), (255, 255, 255, 255))
    ink = (40 + number * 53 % 200, number * 97 % 200, number * 31 % 200, 255)
    room = 10 + number % 17
    where = (room, room, side - room + number % 5, side - room)
    draw = ImageDraw.Draw(picture)
    if outline:
        draw.ellipse(where, outline=ink, width=3)
    else:
        draw.ellipse(where, fill=ink)
    return picture


@dataclass
class Gallery:
    """Images, and what machines and people say of them."""

    catalog: Catalog
    store: Store
    annotations: int = 0
    ids: list[str] = field(default_factory=list)

    def put(
        self, picture: Picture.Image, *, family: str | None = None, tags: tuple[str, ...] = ()
    ) -> str:
        file = io.BytesIO()
        picture.save(file, format="PNG")
        image_id = sha256_hex(file.getvalue())
        self.store.put(image_key(image_id, "png"), file.getvalue())
        image = Image(
            id=image_id, pixel_hash=image_id, format="png", width_px=picture.width,
            height_px=picture.height, size_bytes=len(file.getvalue()), has_alpha=False,
            family_id=family, created_at=NOW,
        )  # fmt: skip
        sighting = Sighting(
            image_id=image_id, source="own", url=image_id, licence="CC0-1.0",
            attribution="nobody", title=None, tags=list(tags), evidence={}, seen_at=NOW,
        )  # fmt: skip
        with self.catalog.write() as session:
            add_image(session, image, sighting)
        self.ids.append(image_id)
        self.draft(image_id)
        return image_id

    def draft(self, image_id: str) -> None:
        """What the stage `draft` would say, in short."""
        said = {
            "style": ("flat", 0.4, "usual/1"), "background": ("plain", 0.9, "pixels/2"),
            "logo": ("none", 0.5, "logo-words/2"), "caption": (BARE, 0.3, "caption-template/2"),
        }  # fmt: skip
        fields = {
            name: {"value": value, "confidence": sure, "by": by, "origin": "rule"}
            for name, (value, sure, by) in said.items()
        }
        payload = {
            "fields": fields,
            "candidates": {name: [one] for name, one in fields.items()},
            "boxes": [{"label": "Figure", "x_px": 8, "y_px": 8, "w_px": 80, "h_px": 80}],
            "ocr_words": 0,
        }
        events = [
            LabelEvent(
                image_id=image_id, field=name, value=value, origin="rule", actor=by,
                confidence=sure, schema_version=SCHEMA.version, created_at=NOW,
            )
            for name, (value, sure, by) in said.items()
        ]  # fmt: skip
        with self.catalog.write() as session:
            record(session, DRAFT, [Outcome(image_id, "ok", payload)], now=NOW)
            append_events(session, events)

    def judge(self, image_id: str, **values: Any) -> None:
        """A person says it."""
        self.annotations += 1
        events = [
            LabelEvent(
                image_id=image_id, field=name, value=value, origin="human", actor="ana@brand.org",
                confidence=None, schema_version=SCHEMA.version,
                annotation_key=f"{self.annotations}:1@tag", lead_time_s=5.0,
                created_at=NOW + timedelta(seconds=self.annotations),
            )
            for name, value in values.items()
        ]  # fmt: skip
        with self.catalog.write() as session:
            append_events(session, events)

    def relate(self, a: str, b: str, kind: str, score: float) -> None:
        first, second = sorted((a, b))
        with self.catalog.write() as session:
            session.add(
                DuplicateEdge(
                    a_id=first, b_id=second, kind=kind, score=score, method_version="1",
                    created_at=NOW,
                )
            )  # fmt: skip
