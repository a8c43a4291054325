"""Flow: read the words of every image that was not read yet."""

from dataclasses import asdict
from pathlib import Path

from prefect import flow, task

from flows.support import (
    RETRIES,
    keep_table,
    main,
    one_batch_at_a_time,
    run_batches,
    workspace_path,
)
from lowdiff.cli.output import say_left_out
from lowdiff.ocr.groups import groups_of
from lowdiff.ocr.open import reader_of
from lowdiff.ocr.read import OcrReport, pending_groups, read_batch
from lowdiff.ops.project import open_project


@task(name="read a batch", **RETRIES)
def read_some(image_ids: list[str], languages: list[str], workspace: Path) -> OcrReport:
    """One batch: wire the outside, run the stage."""
    with open_project(workspace) as project:
        settings = project.settings
        return read_batch(
            image_ids,
            catalog=project.catalog,
            store=project.store,
            reader=reader_of(settings, tuple(languages)),
            workers=settings.workers,
            lease_s=settings.lease_s,
        )


@flow(name="read-text", task_runner=one_batch_at_a_time)
def read_text(workspace: str | None = None) -> dict[str, int]:
    """OCR every image into one metadata document; safe to run again at any time."""
    folder = workspace_path(workspace)
    with open_project(folder) as project:
        size = project.settings.batch_size
        groups = groups_of(
            project.catalog, project.settings, project.workspace.sources, wrong=say_left_out
        )
        todo = pending_groups(project.catalog, groups)
    reports: list[OcrReport] = []
    for group, ids in todo:
        arguments = {"languages": list(group.languages), "workspace": folder}
        reports += run_batches(read_some, ids, size, "Reading text", **arguments)
    total = asdict(sum(reports, OcrReport()))
    keep_table("ocr", total, "What OCR found in the images of this run")
    return total


if __name__ == "__main__":
    main(read_text)
