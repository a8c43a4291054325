"""What Label Studio tells us, as records of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class RemoteProject:
    """A project as the server knows it."""

    id: int
    title: str
    description: str


@dataclass(frozen=True)
class RemoteAnnotation:
    """What a person submitted for one task."""

    id: int
    updated_at: datetime
    """UTC, without an offset."""
    revision: str
    """`updated_at` as the server wrote it."""
    author_id: int | None
    result: list[dict[str, Any]]
    was_skipped: bool
    lead_time_s: float | None


@dataclass(frozen=True)
class RemotePrediction:
    """What a task shows filled in."""

    id: int
    score: float
    result: list[dict[str, Any]]


@dataclass(frozen=True)
class RemoteTask:
    """A task with everything that people submitted for it; drafts in progress are not here."""

    id: int
    data: dict[str, Any]
    updated_at: datetime
    """UTC, without an offset; an annotation that is made, edited or deleted changes it."""
    annotations: tuple[RemoteAnnotation, ...]
    predictions: tuple[RemotePrediction, ...] = ()
    """The oldest first; empty where they were not asked for."""
    has_draft: bool = False
    """Somebody has begun and not submitted; false where it was not asked for."""

    @property
    def is_touched(self) -> bool:
        """True when somebody has worked on it, or skipped it."""
        return bool(self.annotations) or self.has_draft


def read_task(raw: Mapping[str, Any]) -> RemoteTask:
    """A task from the server's JSON, its annotations in the order in which they were submitted."""
    return RemoteTask(
        id=int(raw["id"]),
        data=dict(raw.get("data") or {}),
        updated_at=_utc(raw["updated_at"]),
        annotations=tuple(
            sorted(
                (_annotation(entry) for entry in raw.get("annotations") or ()),
                key=lambda annotation: (annotation.updated_at, annotation.id),
            )
        ),
        predictions=tuple(
            sorted(
                (_prediction(entry) for entry in raw.get("predictions") or ()),
                key=lambda prediction: prediction.id,
            )
        ),
        has_draft=bool(raw.get("draft_exists")),
    )


def _prediction(raw: Any) -> RemotePrediction:
    entry = raw if isinstance(raw, Mapping) else raw.model_dump()
    return RemotePrediction(
        int(entry["id"]), float(entry.get("score") or 0.0), list(entry.get("result") or ())
    )


def _annotation(raw: Any) -> RemoteAnnotation:
    entry = raw if isinstance(raw, Mapping) else raw.model_dump()
    updated_at = _utc(entry["updated_at"])
    author = entry.get("completed_by")
    if isinstance(author, Mapping):
        author = author.get("id")
    return RemoteAnnotation(
        id=int(entry["id"]),
        updated_at=updated_at,
        revision=updated_at.isoformat(timespec="microseconds") + "Z",
        author_id=author,
        result=list(entry.get("result") or ()),
        was_skipped=bool(entry.get("was_cancelled")),
        lead_time_s=entry.get("lead_time"),
    )


def _utc(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
