"""The dataset versions: what is in the newest, what changed, where it lies, how to load it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from lowdiff.catalog.tables import DatasetVersion
from lowdiff.datasets.diff import Diff, diff_versions
from lowdiff.datasets.layout import SPLITS
from lowdiff.datasets.read import Version, open_version
from lowdiff.errors import ContractError
from lowdiff.report.inputs import Inputs

VERSIONS_LISTED = 12
CHANGES_SHOWN = 6


@dataclass(frozen=True)
class VersionRow:
    """One version in the list of all."""

    name: str
    number: int
    digest: str
    images: int
    with_human_labels: int | None
    created_at: datetime

    @property
    def label(self) -> str:
        """`brand v3`."""
        return f"{self.name} v{self.number}"


@dataclass(frozen=True)
class Changed:
    """One value that is not what it was."""

    column: str
    old: str
    new: str
    by_human: bool


@dataclass(frozen=True)
class Difference:
    """The newest version against its parent."""

    parent: str
    added: int
    removed: int
    changed_images: int
    columns: tuple[tuple[str, int], ...]
    by_human: int
    examples: tuple[Changed, ...]


@dataclass(frozen=True)
class Newest:
    """The version that the report tells of."""

    row: VersionRow
    splits: tuple[tuple[str, int], ...]
    families: int | None
    by_origin: tuple[tuple[str, int, int, int], ...]
    """(field, human, machine, none)."""
    folder: Path
    files: tuple[tuple[str, int, int], ...]
    """(path inside the folder, rows, bytes)."""
    image_px: int | None
    difference: Difference | None
    problem: str | None
    """What is wrong with its files."""


@dataclass(frozen=True)
class Dataset:
    """All versions; `newest` is None before the first export."""

    newest: Newest | None
    versions: tuple[VersionRow, ...]


def gather_dataset(inputs: Inputs) -> Dataset:
    """List the versions and open the newest one and its parent."""
    with inputs.catalog.read() as session:
        query = select(DatasetVersion).order_by(
            (DatasetVersion.name == inputs.dataset_name).desc(),
            DatasetVersion.created_at.desc(),
            DatasetVersion.version.desc(),
        )
        rows = list(session.scalars(query))
        paths = {row.digest: inputs.workspace.root / row.path for row in rows}
        facts = [(_row(row), dict(row.counts), dict(row.recipe)) for row in rows]
    if not facts:
        return Dataset(None, ())
    row, counts, recipe = facts[0]
    return Dataset(
        newest=_newest(row, counts, recipe, paths),
        versions=tuple(fact[0] for fact in facts[:VERSIONS_LISTED]),
    )


def _row(row: DatasetVersion) -> VersionRow:
    splits = row.counts.get("splits") or {}
    return VersionRow(
        name=row.name,
        number=row.version,
        digest=row.digest,
        images=int(row.counts.get("images") or sum(splits.values())),
        with_human_labels=row.counts.get("with_human_labels"),
        created_at=row.created_at,
    )


def _newest(
    row: VersionRow,
    counts: Mapping[str, Any],
    recipe: Mapping[str, Any],
    paths: Mapping[str, Path],
) -> Newest:
    folder = paths[row.digest]
    version, difference, problem = None, None, None
    try:
        version = open_version(folder)
        parent = version.manifest.get("parent_digest")
        if parent is not None and parent in paths:
            difference = _difference(open_version(paths[parent]), version)
    except ContractError as error:
        problem = str(error)
    splits = counts.get("splits") or {}
    fields = counts.get("fields") or {}
    return Newest(
        row=row,
        splits=tuple((split, int(splits.get(split) or 0)) for split in SPLITS),
        families=counts.get("families"),
        by_origin=tuple(
            (field, int(who.get("human", 0)), int(who.get("machine", 0)), int(who.get("none", 0)))
            for field, who in fields.items()
        ),
        folder=folder,
        files=_files(version),
        image_px=recipe.get("image_px"),
        difference=difference,
        problem=problem,
    )


def _files(version: Version | None) -> tuple[tuple[str, int, int], ...]:
    if version is None:
        return ()
    return tuple(
        (shard.path.relative_to(version.folder).as_posix(), shard.rows, shard.size_bytes)
        for shard in version.shards
    )


def _difference(old: Version, new: Version) -> Difference:
    diff = diff_versions(old, new)
    summary = diff.summary()
    return Difference(
        parent=f"{old.name} v{old.number}",
        added=summary["added"],
        removed=summary["removed"],
        changed_images=summary["changed_images"],
        columns=tuple(summary["changed"].items()),
        by_human=summary["changed_by_human"],
        examples=_examples(diff),
    )


def _examples(diff: Diff) -> tuple[Changed, ...]:
    """Captions first, a person's words before a machine's."""
    ranked = sorted(
        (change for change in diff.changed if change.old != change.new),
        key=lambda change: (change.column != "caption", not change.by_human, change.image_id),
    )
    return tuple(
        Changed(change.column, _said(change.old), _said(change.new), change.by_human)
        for change in ranked[:CHANGES_SHOWN]
    )


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value) or "none"
    return "nothing" if value in (None, "") else str(value)
