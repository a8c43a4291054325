"""The figures of a version: how many images, from where, said by whom."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lowdiff.datasets.layout import SPLITS
from lowdiff.datasets.select import Member
from lowdiff.labels.schema import Schema

HUMAN = ("human", "adjudicated")


def count_members(
    members: Sequence[Member], splits: Mapping[str, str], schema: Schema
) -> dict[str, Any]:
    """The `counts` of a manifest.

    Returns:
        `images`; `splits` (split → images); `families`; `with_human_labels` (images of which a
        person has said at least one field); `fields` (field → human | machine | none → images);
        `sources`, `licences` and `attributions` (→ images).
    """
    by_split = Counter(splits[member.image_id] for member in members)
    return {
        "images": len(members),
        "splits": {split: by_split[split] for split in SPLITS},
        "families": len({member.family_id for member in members}),
        "with_human_labels": sum(member.human_fields > 0 for member in members),
        "fields": {field.name: _by_origin(members, field.name) for field in schema.fields},
        "sources": _tally(members, "source"),
        "licences": _tally(members, "licence"),
        "attributions": _tally(members, "attribution"),
    }


def _by_origin(members: Sequence[Member], field: str) -> dict[str, int]:
    origins = Counter(_who(member.row[f"{field}_origin"]) for member in members)
    return {who: origins[who] for who in ("human", "machine", "none")}


def _who(origin: str | None) -> str:
    if origin is None:
        return "none"
    return "human" if origin in HUMAN else "machine"


def _tally(members: Sequence[Member], column: str) -> dict[str, int]:
    values = Counter(str(member.row[column] or "unknown") for member in members)
    return dict(sorted(values.items()))
