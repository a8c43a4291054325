"""How far a workspace is, in numbers."""

from typing import Any

from sqlalchemy import func, select

from lowdiff.catalog.artifacts import counts
from lowdiff.catalog.images import counts_by_source
from lowdiff.catalog.labels import counts_by_origin
from lowdiff.catalog.tables import DatasetVersion, Image, Run
from lowdiff.ops.project import Project


def describe(project: Project) -> dict[str, Any]:
    """Counts of every room."""
    with project.catalog.read() as session:
        runs = session.execute(
            select(Run.kind, Run.state, func.count()).group_by(Run.kind, Run.state)
        )
        return {
            "workspace": str(project.workspace.root),
            "images": session.scalar(select(func.count()).select_from(Image)) or 0,
            "sources": counts_by_source(session),
            "ocr": counts(session, "ocr"),
            "labels": counts_by_origin(session),
            "dataset_versions": session.scalar(select(func.count()).select_from(DatasetVersion)),
            "runs": {f"{kind} {state}": number for kind, state, number in runs},
        }
