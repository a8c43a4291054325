"""A catalog with many drafted images and scripted people who judge them; no picture is needed."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lowdiff.catalog import Catalog
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import Image, LabelEvent
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.decide import Verdict, decide
from tests.labels.forms import SCHEMA

NOW = datetime(2026, 3, 2, 9)
"""A Monday."""
SHARE = 0.5


def image_ids(number: int) -> list[str]:
    return [hashlib.sha256(f"image {n}".encode()).hexdigest() for n in range(number)]


@dataclass
class Crowd:
    """Images, and what machines and people say of them."""

    catalog: Catalog
    ids: list[str] = field(default_factory=list)
    annotations: int = 0

    def add_images(self, number: int) -> "Crowd":
        self.ids = image_ids(number)
        with self.catalog.write() as session:
            session.add_all(
                Image(
                    id=image_id, pixel_hash=image_id, format="png", width_px=8, height_px=8,
                    size_bytes=1, has_alpha=False, created_at=NOW,
                )
                for image_id in self.ids
            )  # fmt: skip
        return self

    @property
    def audited(self) -> list[str]:
        return [one for one in self.ids if is_audit(one, SHARE)]

    @property
    def others(self) -> list[str]:
        return [one for one in self.ids if not is_audit(one, SHARE)]

    def draft(
        self, ids: Iterable[str], value: Any, confidence: float, *, name: str = "background",
        by: str = "background-pixels/1", origin: str = "rule",
    ) -> None:  # fmt: skip
        self._append(
            LabelEvent(
                image_id=one, field=name, value=value, origin=origin, actor=by,
                confidence=confidence, schema_version=SCHEMA.version, created_at=NOW,
            )
            for one in ids
        )  # fmt: skip

    def judge(
        self, ids: Sequence[str], value: Any, *, name: str = "background",
        seconds: float | None = 8.0, at: datetime = NOW, by: str = "ana@brand.org",
    ) -> list[str]:  # fmt: skip
        """A person says it of each image; returns the annotations' keys."""
        keys = []
        events = []
        for one in ids:
            self.annotations += 1
            keys.append(f"{self.annotations}:{at:%H%M%S}@tag")
            events.append(
                LabelEvent(
                    image_id=one, field=name, value=value, origin="human", actor=by,
                    confidence=None, schema_version=SCHEMA.version, annotation_key=keys[-1],
                    lead_time_s=seconds, created_at=at,
                )
            )  # fmt: skip
            at += timedelta(seconds=10)
        self._append(events)
        return keys

    def decide(self, **options: Any) -> Verdict:
        """The verdict on the only drafter."""
        (verdict,) = self.decide_all(**options)
        return verdict

    def decide_all(self, **options: Any) -> list[Verdict]:
        return decide(
            self.catalog, SCHEMA, error_limit=0.02, audit_share=SHARE, now=lambda: NOW, **options
        )

    def _append(self, events: Iterable[LabelEvent]) -> None:
        with self.catalog.write() as session:
            append_events(session, events)
