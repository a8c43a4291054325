"""The use case of this room: accepted labels become an immutable dataset version.

A version is written into a hidden folder beside its place, manifest last, and renamed: a reader
sees the whole version or none. Killed at any moment and run again, the export ends with the same
version. Equal members, labels, schema and recipe are the same version, however often it is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.tables import DatasetVersion
from lowdiff.catalog.versions import newest_version
from lowdiff.datasets.layout import MANIFEST_FILE, version_folder
from lowdiff.datasets.lock import exclusive
from lowdiff.datasets.plan import Plan, plan_version
from lowdiff.datasets.read import Version, open_version
from lowdiff.datasets.register import register_version
from lowdiff.datasets.twins import Twins
from lowdiff.datasets.write import write_version
from lowdiff.labels.accept.policy import Policy
from lowdiff.labels.schema import Schema
from lowdiff.store import Store
from lowdiff.workspace import Workspace


@dataclass(frozen=True)
class Exported:
    """What an export ended with."""

    version: Version
    is_new: bool
    """False when a version with the same digest was there already."""
    moved: dict[str, tuple[str, str]]
    """Image id → (old, new split), where two families have become one."""


def export_version(
    *,
    catalog: Catalog,
    store: Store,
    workspace: Workspace,
    name: str,
    image_px: int,
    policy: Policy,
    schema: Schema,
    seed: int = 0,
    twins: Twins = "best",
    use_unknown_licences: bool = False,
    workers: int = 1,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] | None = None,
) -> Exported:
    """Write the next version of a dataset, or find that nothing has changed.

    Args:
        name: of the dataset; versions are counted within it.
        image_px: longest side of the PNGs.
        policy: which labels of machines count.
        seed: of the split; images that have a split keep it.
        use_unknown_licences: take images too whose licence nobody knows.
        twins: `best` takes of exact and near twins only the best one, `all` takes all.
        workers: threads that render.
        advance: told the number of images written since the last call.

    Raises:
        InputError: no image is accepted, so there is nothing to export.
        ServiceError: another export is under way, or the disk is full.
        ContractError: the store disagrees with the catalog.
    """
    with exclusive(workspace.datasets):
        plan = plan_version(
            catalog,
            name=name,
            image_px=image_px,
            policy=policy,
            schema=schema,
            seed=seed,
            twins=twins,
            use_unknown_licences=use_unknown_licences,
        )
        known = _find_same(catalog, plan.digest)
        if known is not None:
            folder = workspace.root / known.path
            if (folder / MANIFEST_FILE).is_file():
                return Exported(open_version(folder), is_new=False, moved=plan.moved)
            number, created_at = known.version, known.created_at  # its files are gone
        else:
            number, created_at = _next_number(catalog, workspace, plan), now()
        folder = version_folder(workspace.datasets, name, number)
        if not (folder / MANIFEST_FILE).is_file():
            write_version(
                folder,
                plan,
                store=store,
                number=number,
                parent_digest=_parent(catalog, name, number),
                created_at=created_at,
                workers=workers,
                advance=advance,
            )
        version = open_version(folder)
        if known is None:
            register_version(catalog, workspace, version, plan)
        return Exported(version, is_new=known is None, moved=plan.moved)


def _find_same(catalog: Catalog, digest: str) -> DatasetVersion | None:
    with catalog.read() as session:
        return session.get(DatasetVersion, digest)


def _next_number(catalog: Catalog, workspace: Workspace, plan: Plan) -> int:
    """The number to write.

    A folder that the catalog does not know is either ours, from an export that was killed between
    renaming and registering, and is taken over; or it is foreign, and its number is left to it.
    """
    with catalog.read() as session:
        newest = newest_version(session, plan.name)
        number = newest.version + 1 if newest else 1
    while (folder := version_folder(workspace.datasets, plan.name, number)).exists():
        if _is_ours(folder, plan.digest):
            break
        number += 1
    return number


def _is_ours(folder: Path, digest: str) -> bool:
    if not (folder / MANIFEST_FILE).is_file():
        return False
    version = open_version(folder)
    if version.digest != digest:
        return False
    version.verify()
    return True


def _parent(catalog: Catalog, name: str, number: int) -> str | None:
    """The digest of the version before, where there is one."""
    with catalog.read() as session:
        return session.scalar(
            select(DatasetVersion.digest)
            .where(DatasetVersion.name == name, DatasetVersion.version < number)
            .order_by(DatasetVersion.version.desc())
            .limit(1)
        )
