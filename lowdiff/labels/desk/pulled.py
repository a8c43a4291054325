"""What one pull brought, and how it compares with what machines had drafted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.labels import MACHINES
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.desk.tasks import Form, clean_text


@dataclass
class PullReport:
    """What one pull brought."""

    annotations: int = 0
    """Annotations, or new revisions of them, that were not in the history yet."""
    images: int = 0
    confirmed: int = 0
    """Fields that a person left as drafted."""
    corrected: int = 0
    """Fields that a person changed, or filled in where there was no draft."""
    skipped: int = 0
    """Skipped tasks among those looked at; that is no label."""
    withdrawn: int = 0
    """Annotations that were deleted, or skipped afterwards: they count no more."""
    gone: int = 0
    """Tasks that somebody deleted; what was said on them stays."""
    looked_again: int = 0
    """Fields that were looked at once more because somebody doubted them."""
    changed_again: int = 0
    """How many of them say something else now; both words are in the history."""
    human_seconds: float = 0.0
    refused: dict[str, str] = field(default_factory=dict)
    """Task's address → why its annotation cannot be kept."""

    def record(self) -> dict[str, Any]:
        """Plain values; of the refused their number."""
        return vars(self) | {
            "refused": len(self.refused),
            "human_seconds": round(self.human_seconds, 1),
        }

    def add(self, other: "PullReport") -> None:
        """Count another screen in."""
        for name, value in vars(other).items():
            if name == "refused":
                self.refused |= value
            else:
                setattr(self, name, getattr(self, name) + value)


def compare(report: PullReport, form: Form, draft: Mapping[str, Any]) -> None:
    """Count the fields that a person left as they were drafted, and the others."""
    for name, value in form.values.items():
        drafted = draft.get(name)
        if isinstance(drafted, str):
            drafted = clean_text(drafted)
        if value == drafted or (drafted is None and value in ("", [])):
            report.confirmed += 1
        else:
            report.corrected += 1


def drafts_of(session: Session, image_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Image id → field → what a machine said last."""
    query = (
        select(LabelEvent.image_id, LabelEvent.field, LabelEvent.value)
        .where(LabelEvent.image_id.in_(image_ids), LabelEvent.origin.in_(MACHINES))
        .order_by(LabelEvent.id)
    )
    found: dict[str, dict[str, Any]] = {}
    for image_id, name, value in session.execute(query):
        found.setdefault(image_id, {})[name] = value
    return found
