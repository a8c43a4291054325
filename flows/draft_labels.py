"""Flow: draft every field of the label schema for images whose text was read."""

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
from lowdiff.catalog.artifacts import Stage
from lowdiff.cli.output import say_left_out
from lowdiff.labels.accept.evidence import gather_samples, learn_calibration
from lowdiff.labels.drafts.draft import DraftReport, draft_batch, pending_draft
from lowdiff.labels.schema import load_schema
from lowdiff.ocr.groups import groups_of
from lowdiff.ops.project import open_project


@task(name="draft a batch", **RETRIES)
def draft_some(image_ids: list[str], ocr: Stage, workspace: Path) -> DraftReport:
    """One batch: wire the outside, run the stage."""
    with open_project(workspace) as project:
        settings = project.settings
        schema = load_schema()
        with project.catalog.read() as session:
            samples = gather_samples(session, schema, audit_share=settings.audit_share)
        return draft_batch(
            image_ids,
            catalog=project.catalog,
            store=project.store,
            ocr=ocr,
            schema=schema,
            calibration=learn_calibration(samples),
            details=settings.acceptance == "confidence",
            workers=settings.workers,
            lease_s=settings.lease_s,
        )


@flow(name="draft-labels", task_runner=one_batch_at_a_time)
def draft_labels(workspace: str | None = None) -> dict[str, Any]:
    """Draft what was not drafted yet; safe to run again at any time."""
    folder, schema = workspace_path(workspace), load_schema()
    with open_project(folder) as project:
        size = project.settings.batch_size
        groups = groups_of(
            project.catalog, project.settings, project.workspace.sources, wrong=say_left_out
        )
        todo = [
            (group.stage, group.of(pending_draft(project.catalog, ocr=group.stage, schema=schema)))
            for group in groups
        ]
    reports: list[DraftReport] = []
    for ocr, ids in todo:
        reports += run_batches(draft_some, ids, size, "Drafting labels", ocr=ocr, workspace=folder)
    total = sum(reports, DraftReport())
    shown = {
        name: f"{dict(count.values)}, mean confidence {count.mean_confidence:.2f}"
        for name, count in total.fields.items()
    }
    keep_table("drafts", shown, f"Drafts of {total.drafted} images")
    return {"drafted": total.drafted, "refused": total.refused, "labels": total.labels}


if __name__ == "__main__":
    main(draft_labels)
