"""Flow: bring the demo's graphics and lay them out as two sources."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import RETRIES, keep_table, main, workspace_path
from lowdiff.ingest.demo_corpus import lay_out_openmoji
from lowdiff.ingest.openmoji import ATTRIBUTION, LICENCE
from lowdiff.ops.project import open_project


@task(name="bring OpenMoji", **RETRIES)
def bring_openmoji(workspace: Path, count: int) -> dict[str, Any]:
    """Download it once through npm; choose and lay out `count` graphics."""
    with open_project(workspace) as project:
        layout = lay_out_openmoji(project.workspace, count)
    return {
        "own": layout.own,
        "gallery": layout.gallery,
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
    }


@flow(name="bring-corpus")
def bring_corpus(count: int = 1500, workspace: str | None = None) -> dict[str, Any]:
    """OpenMoji as a folder and a web gallery, with its licence; safe to run again."""
    result = bring_openmoji(workspace_path(workspace), count)
    keep_table("corpus", result, "The demo's graphics")
    return result


if __name__ == "__main__":
    main(bring_corpus)
