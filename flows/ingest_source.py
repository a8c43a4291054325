"""Flow: bring in everything that sources offer; safe to run again at any time."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import (
    RETRIES,
    keep_table,
    main,
    one_batch_at_a_time,
    run_batches,
    workspace_path,
)
from lowdiff.dedupe.exact import link_families
from lowdiff.errors import LowdiffError
from lowdiff.ingest.discover import Discovery, discover, totals
from lowdiff.ingest.ingest import ingest_batch
from lowdiff.ingest.report import IngestReport
from lowdiff.ingest.sources import choose_sources
from lowdiff.ingest.todo import pending, waiting
from lowdiff.ops.project import open_project
from lowdiff.ops.sources import open_sources


@task(name="discover a source", **RETRIES)
def discover_one(source: str, workspace: Path) -> Discovery:
    """Walk a folder or crawl a site; what it offers is queued."""
    with open_project(workspace) as project, open_sources(project, [source]) as outside:
        return discover(source, outside=outside, catalog=project.catalog)


@task(name="ingest a batch", **RETRIES)
def ingest_some(find_ids: list[int], workspace: Path, sources: list[str]) -> IngestReport:
    """One batch: wire the outside, run the stage; a service that failed is tried again."""
    with open_project(workspace) as project, open_sources(project, sources) as outside:
        report = ingest_batch(
            find_ids,
            outside=outside,
            catalog=project.catalog,
            store=project.store,
            preview_px=project.settings.preview_px,
            lease_s=project.settings.lease_s,
        )
    report.raise_if_failed()
    return report


@task(name="link families", **RETRIES)
def link_twins(workspace: Path) -> Any:
    """Exact twins become one family."""
    with open_project(workspace) as project:
        return link_families(project.catalog)


@flow(name="ingest-source", task_runner=one_batch_at_a_time)
def ingest_source(
    sources: list[str] | None = None, workspace: str | None = None, revisit: bool = False
) -> dict[str, Any]:
    """Ingest some sources by name, or all that the workspace defines.

    Args:
        revisit: ask again for everything that was fetched before.
    """
    folder = workspace_path(workspace)
    with open_project(folder) as project:
        chosen = choose_sources(project.workspace.sources, sources or [])
        names = sorted(chosen)
        size = project.settings.batch_size
    found: list[Discovery] = []
    broken: LowdiffError | None = None
    for name in names:
        try:
            found.append(discover_one(name, folder))
        except LowdiffError as error:  # the others go on; told at the end
            broken = broken or error
    with open_project(folder) as project:
        ids = pending(project.catalog, chosen, revisit=revisit)
    total = IngestReport()
    for report in run_batches(
        ingest_some, ids, size, "Ingesting images", workspace=folder, sources=names
    ):
        total.add(report)
    twins = link_twins(folder)
    with open_project(folder) as project:
        rest = waiting(project.catalog, chosen)
    result = {
        **totals(found),
        **total.as_dict(),
        **rest.as_dict(),
        **vars(twins),
    }
    keep_table("ingest", result, f"What came from {', '.join(names)}")
    if broken is not None:
        raise broken
    return result


if __name__ == "__main__":
    main(ingest_source)
