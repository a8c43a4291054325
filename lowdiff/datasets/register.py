"""Make a version that lies on disk known to the catalog."""

from datetime import datetime

from sqlalchemy import update

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import DatasetVersion, Image
from lowdiff.catalog.versions import add_version
from lowdiff.datasets.identity import row_hash
from lowdiff.datasets.plan import Plan
from lowdiff.datasets.read import Version
from lowdiff.workspace import Workspace


def register_version(catalog: Catalog, workspace: Workspace, version: Version, plan: Plan) -> None:
    """Add the version, its members and the splits that it fixed, all or nothing."""
    row = DatasetVersion(
        digest=version.digest,
        name=version.name,
        version=version.number,
        schema_version=version.schema_version,
        recipe=version.manifest["recipe"],
        counts=version.manifest["counts"],
        path=version.folder.relative_to(workspace.root).as_posix(),
        created_at=datetime.fromisoformat(version.manifest["created_at"]),
    )
    items = {
        member.image_id: (plan.splits[member.image_id], row_hash(member.row))
        for member in plan.members
    }
    splits = plan.splits | {image_id: new for image_id, (_, new) in plan.moved.items()}
    with catalog.write() as session:
        add_version(session, row, items)
        session.execute(
            update(Image),
            [{"id": image_id, "split": split} for image_id, split in splits.items()],
        )
