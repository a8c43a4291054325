"""Flow: write the next dataset version, when anything changed."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import RETRIES, keep_table, main, shown_progress, workspace_path
from lowdiff.catalog.engine import utc_now
from lowdiff.cli.output import say
from lowdiff.datasets.export import export_version
from lowdiff.labels.schema import load_schema
from lowdiff.ops.acceptance import present_policy
from lowdiff.ops.project import open_project


@task(name="export a version", **RETRIES)
def export_one(workspace: Path) -> dict[str, Any]:
    """Select, render, write, register."""
    with open_project(workspace) as project, shown_progress("Exporting", None) as advance:
        settings = project.settings
        exported = export_version(
            catalog=project.catalog,
            store=project.store,
            workspace=project.workspace,
            name=settings.dataset_name,
            image_px=settings.dataset_image_px,
            policy=present_policy(project),
            schema=load_schema(),
            seed=settings.seed,
            twins=settings.dataset_twins,
            use_unknown_licences=settings.use_unknown_licences,
            workers=settings.workers,
            now=utc_now,
            advance=advance,
        )
    for image_id, (old, new) in sorted(exported.moved.items()):
        say(f"{image_id[:12]} moved from {old} to {new}: its family has become one with another")
    manifest = exported.version.manifest
    return {
        "name": manifest["name"],
        "version": manifest["version"],
        "digest": exported.version.digest,
        "is_new": exported.is_new,
        "folder": str(exported.version.folder),
        "counts": manifest["counts"],
        "moved": exported.moved,
    }


@flow(name="export-dataset")
def export_dataset(workspace: str | None = None) -> dict[str, Any]:
    """Accepted labels become an immutable Parquet version; nothing new, no new version."""
    result = export_one(workspace_path(workspace))
    keep_table("dataset", result, "The newest dataset version")
    return result


if __name__ == "__main__":
    main(export_dataset)
