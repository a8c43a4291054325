"""Which dataset versions and runs were made with labels that turned out to be wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.tables import DatasetItem, DatasetVersion, Run
from lowdiff.datasets.read import Version, open_version
from lowdiff.errors import ContractError
from lowdiff.labels.accept.evidence import is_same
from lowdiff.labels.correct import Correction, Mark
from lowdiff.labels.schema import Field, Schema
from lowdiff.workspace import Workspace


@dataclass(frozen=True)
class Affected:
    """A dataset version or a run that knows the old value."""

    kind: str
    """`dataset` or `run`."""
    target: str
    """Digest of the version, or id of the run."""
    name: str
    """`brand@3`, or the run's id."""
    images: int
    """How many of its images say otherwise than the correction; of a version whose files are gone,
    how many of the corrected images it has."""

    @property
    def mark(self) -> Mark:
        """What the catalog keeps of it."""
        return Mark(self.kind, self.target, self.images)


def find_affected(
    catalog: Catalog, workspace: Workspace, schema: Schema, correction: Correction
) -> list[Affected]:
    """The versions that say otherwise than a correction, and the runs that learned from them.

    A run that goes on from another one, or works in the latent space of another one, has learned
    from its dataset too.
    """
    corrected = [one.image_id for one in correction.replaced]
    field = schema.field(correction.field)
    with catalog.read() as session:
        rows = session.scalars(
            select(DatasetVersion).order_by(DatasetVersion.name, DatasetVersion.version)
        )
        facts = [(row.digest, f"{row.name}@{row.version}", row.path) for row in rows]
        held = _members(session, corrected)
    found = []
    for digest, name, path in facts:
        if not held.get(digest):
            continue
        try:
            version = open_version(workspace.root / path)
            images = _differing(version, field, correction.value, set(corrected))
        except ContractError:
            images = held[digest]
        if images:
            found.append(Affected("dataset", digest, name, images))
    with catalog.read() as session:
        return found + list(_runs(session, {one.target: one.images for one in found}))


def _members(session: Session, image_ids: Sequence[str]) -> dict[str, int]:
    """Digest → how many of these images the version has."""
    found: dict[str, int] = {}
    for some in chunks(image_ids, 500):
        query = (
            select(DatasetItem.digest, func.count())
            .where(DatasetItem.image_id.in_(some))
            .group_by(DatasetItem.digest)
        )
        for digest, number in session.execute(query):
            found[digest] = found.get(digest, 0) + number
    return found


def _differing(version: Version, field: Field, value: Any, image_ids: set[str]) -> int:
    if field.name not in version.manifest["columns"]:
        return 0
    number = 0
    for split in version.splits:
        rows = version.read(split, ["image_id", field.name])
        rows = rows[rows["image_id"].isin(image_ids)]
        for said in rows[field.name]:
            old = said.tolist() if hasattr(said, "tolist") else said
            number += isinstance(old, str | list) and not is_same(field, old, value)
    return number


def _runs(session: Session, versions: dict[str, int]) -> Iterator[Affected]:
    """Runs on these versions, and all that build on them; oldest first."""
    images: dict[str, int] = {}
    for run in session.scalars(select(Run).order_by(Run.created_at, Run.id)):
        learned = [
            versions.get(run.dataset_digest, 0),
            images.get(run.parent_run_id or "", 0),
            images.get(run.vae_run_id or "", 0),
        ]
        if max(learned):
            images[run.id] = max(learned)
            yield Affected("run", run.id, run.id, max(learned))
