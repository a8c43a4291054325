"""How far a workspace is, in numbers."""

from typing import Any

from sqlalchemy import func, select

from lowdiff.catalog.artifacts import counts
from lowdiff.catalog.duplicates import counts_by_kind
from lowdiff.catalog.images import count_unknown_licences, counts_by_source
from lowdiff.catalog.labels import counts_by_origin
from lowdiff.catalog.tables import DatasetVersion, Image, Run
from lowdiff.catalog.versions import newest_run, newest_version
from lowdiff.ops.project import Project
from lowdiff.ops.services import running


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
            "unknown_licences": count_unknown_licences(session),
            "duplicates": counts_by_kind(session),
            "ocr": counts(session, "ocr"),
            "labels": counts_by_origin(session),
            "dataset_versions": session.scalar(select(func.count()).select_from(DatasetVersion)),
            "newest_dataset": _version(newest_version(session, project.settings.dataset_name)),
            "newest_model": _run(newest_run(session, "unet")),
            "services": {name: process.url for name, process in running(project.workspace).items()},
            "runs": {f"{kind} {state}": number for kind, state, number in runs},
        }


def _version(row: DatasetVersion | None) -> str | None:
    return f"{row.name}@{row.version}" if row else None


def _run(row: Run | None) -> str | None:
    return row.id if row else None
