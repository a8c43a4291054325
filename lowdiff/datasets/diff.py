"""What came, what went and what changed between two versions of a dataset."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lowdiff.datasets.counts import HUMAN
from lowdiff.datasets.layout import SPLITS
from lowdiff.datasets.read import Version

Row = Mapping[str, Any]
_NOT_A_FIELD = ("_origin", "_by", "_confidence")


@dataclass(frozen=True)
class Change:
    """One value of one image that is not what it was."""

    image_id: str
    column: str
    old: Any
    new: Any
    by_human: bool
    """True when a person says the new value, or has confirmed a machine's."""


@dataclass(frozen=True)
class Diff:
    """The difference of two versions."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """True when nothing came, went or changed."""
        return not (self.added or self.removed or self.changed)

    def summary(self) -> dict[str, Any]:
        """Plain counts.

        Returns:
            `added`, `removed`, `changed_images` (→ images); `changed` (column → values);
            `changed_by_human` (values).
        """
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed_images": len({change.image_id for change in self.changed}),
            "changed": dict(sorted(Counter(change.column for change in self.changed).items())),
            "changed_by_human": sum(change.by_human for change in self.changed),
        }


def diff_rows(old: Mapping[str, Row], new: Mapping[str, Row]) -> Diff:
    """Compare two sets of rows by image id.

    A field counts as changed when its value or the kind of its author changed; a person who
    confirms a draft is a change without another value. A mere change of confidence is none.
    """
    changes: list[Change] = []
    for image_id in sorted(old.keys() & new.keys()):
        changes += _changes(image_id, old[image_id], new[image_id])
    return Diff(
        added=sorted(new.keys() - old.keys()),
        removed=sorted(old.keys() - new.keys()),
        changed=changes,
    )


def diff_versions(old: Version, new: Version) -> Diff:
    """Compare two versions on disk; pixels are not read.

    Raises:
        ContractError: a shard is missing or changed.
    """
    return diff_rows(_rows(old), _rows(new))


def _changes(image_id: str, old: Row, new: Row) -> list[Change]:
    found = []
    for column in sorted(old.keys() | new.keys()):
        if column.endswith(_NOT_A_FIELD):
            continue
        before, after = old.get(column), new.get(column)
        was_human = old.get(f"{column}_origin") in HUMAN
        is_human = new.get(f"{column}_origin") in HUMAN
        if before != after or was_human != is_human:
            found.append(Change(image_id, column, before, after, by_human=is_human))
    return found


def _rows(version: Version) -> dict[str, Row]:
    columns = [name for name in version.manifest["columns"] if name != "image"]
    rows: dict[str, Row] = {}
    for split in SPLITS:
        for record in version.read(split, columns).to_dict("records"):
            rows[record["image_id"]] = {str(key): _plain(v) for key, v in record.items()}
    return rows


def _plain(value: Any) -> Any:
    """Lists for arrays and None for pandas' missing values, so that equality is plain."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return None if value is None or value != value else value
