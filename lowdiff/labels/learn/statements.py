"""What drafters say of the fields of an image, as the payload of its draft keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEARNED = (
    "together",
    "head-",
    "logo-match",
    "brand-words",
    "caption-neighbours",
    "caption-trees",
    "family-",
    "captioner-",
    "endpoint-",
)
"""How the names of learned drafters begin; whatever else has spoken is not ours to replace."""
PROPAGATED = "family-"


@dataclass(frozen=True)
class Statement:
    """One drafter's word on one field."""

    value: Any
    confidence: float
    by: str
    """The drafter with its version."""

    @property
    def origin(self) -> str:
        """As in the label's history."""
        if self.by.startswith(PROPAGATED):
            return "propagated"
        return "model" if is_learned(self.by) else "rule"

    def record(self) -> dict[str, Any]:
        """As the payload keeps it."""
        return {
            "value": self.value,
            "confidence": self.confidence,
            "by": self.by,
            "origin": self.origin,
        }


Statements = dict[str, dict[str, list[Statement]]]
"""Image id → field → statements."""


def is_learned(by: str) -> bool:
    """True for the drafters of `lowdiff.labels.learn`."""
    return by.startswith(LEARNED)


def statements_of(draft: Mapping[str, Any]) -> dict[str, list[Statement]]:
    """Field → all statements that the payload of a draft keeps."""
    kept: Mapping[str, Sequence[Mapping[str, Any]]] = draft.get("candidates") or {
        name: [one] for name, one in (draft.get("fields") or {}).items()
    }
    return {
        name: [Statement(one["value"], float(one["confidence"]), one["by"]) for one in ones]
        for name, ones in kept.items()
    }


def add(into: Statements, other: Mapping[str, Mapping[str, Sequence[Statement]]]) -> None:
    """Put further statements beside those that are there."""
    for image_id, fields in other.items():
        for name, ones in fields.items():
            into.setdefault(image_id, {}).setdefault(name, []).extend(ones)
