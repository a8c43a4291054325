"""Flow: find what is there twice and what belongs together; only what is new is compared."""

from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import (
    RETRIES,
    keep_table,
    main,
    one_batch_at_a_time,
    run_batches,
    shown_progress,
    workspace_path,
)
from lowdiff.cli.output import say
from lowdiff.dedupe.comparing import CompareCounts, compare_new, pending_comparisons
from lowdiff.dedupe.find import BATCH, Counts, sum_up
from lowdiff.dedupe.prints import PrintCounts, Prints, fingerprint_batch, pending_prints
from lowdiff.ops.duplicates import decode_original
from lowdiff.ops.project import open_project


@task(name="fingerprint a batch", **RETRIES)
def fingerprint_some(image_ids: list[str], workspace: Path) -> PrintCounts:
    """One batch: wire the outside, run the stage."""
    with open_project(workspace) as project:
        return fingerprint_batch(
            image_ids,
            catalog=project.catalog,
            store=project.store,
            decode=decode_original,
            workers=project.settings.workers,
            lease_s=project.settings.lease_s,
        )


@task(name="compare what is new", **RETRIES)
def compare_all(workspace: Path) -> CompareCounts:
    """All in one task: the index of what was compared is built once; it commits in batches."""
    with open_project(workspace) as project:
        waiting = len(pending_comparisons(project.catalog))
        with shown_progress("Comparing images", waiting) as advance:
            return compare_new(
                catalog=project.catalog,
                prints=Prints(project.catalog, project.store, decode_original),
                workers=project.settings.workers,
                lease_s=project.settings.lease_s,
                advance=advance,
            )


@task(name="link families", **RETRIES)
def link(workspace: Path, prints: PrintCounts, compared: CompareCounts) -> Counts:
    """What hangs together becomes one family."""
    with open_project(workspace) as project:
        return sum_up(project.catalog, prints, compared)


@flow(name="find-duplicates", task_runner=one_batch_at_a_time)
def find_duplicates(workspace: str | None = None) -> dict[str, Any]:
    """Exact and near twins and variants of templates; safe to run again at any time."""
    folder = workspace_path(workspace)
    with open_project(folder) as project:
        ids = pending_prints(project.catalog)
    # larger than the other batches: each starts processes of its own
    made = run_batches(fingerprint_some, ids, BATCH, "Fingerprinting", workspace=folder)
    counts = link(folder, reduce(add, made, PrintCounts()), compare_all(folder))
    if counts.families.warning:
        say(f"warning: {counts.families.warning}")
    result = counts.as_dict()
    keep_table("duplicates", result, "What is there twice, and what belongs together")
    return result


if __name__ == "__main__":
    main(find_duplicates)
