"""Flow: make a Label Studio task, with its drafts, for every image that has none."""

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
from lowdiff.labels.desk.candidates import pending_push, unlicensed
from lowdiff.labels.desk.projects import TaskProject, ensure_project
from lowdiff.labels.desk.push import PushReport, push_batch
from lowdiff.labels.schema import load_schema
from lowdiff.ops.labeling import connect_label_studio, document_root
from lowdiff.ops.project import open_project

BATCH = 250
"""Label Studio takes a batch whole or not at all; this many are in within seconds."""


@task(name="make the project", **RETRIES)
def make_project(workspace: Path) -> TaskProject:
    """Find the Label Studio project, or make it."""
    with open_project(workspace) as project, connect_label_studio(project) as client:
        return ensure_project(
            client,
            catalog=project.catalog,
            schema=load_schema(),
            name=project.settings.dataset_name,
            working_copies=project.workspace.working_copies,
        )


@task(name="push a batch", **RETRIES)
def push_some(image_ids: list[str], workspace: Path, target: TaskProject) -> PushReport:
    """One batch: wire the outside, push."""
    with open_project(workspace) as project, connect_label_studio(project) as client:
        return push_batch(
            image_ids,
            client=client,
            project=target,
            schema=load_schema(),
            catalog=project.catalog,
            store=project.store,
            workspace=project.workspace,
            document_root=document_root(project),
            lease_s=project.settings.lease_s,
        )


@flow(name="push-labels", task_runner=one_batch_at_a_time)
def push_labels(workspace: str | None = None) -> dict[str, str | int]:
    """Give annotators every drafted image; pushes nothing twice."""
    folder = workspace_path(workspace)
    target = make_project(folder)
    with open_project(folder) as project:
        every = project.settings.use_unknown_licences
        held_back = 0 if every else unlicensed(target, catalog=project.catalog)
        ids = pending_push(target, catalog=project.catalog, use_unknown_licences=every)
    total = PushReport()
    for report in run_batches(
        push_some, ids, BATCH, "Pushing tasks", workspace=folder, target=target
    ):
        total.add(report)
    result: dict[str, str | int] = {
        "pushed": total.pushed,
        "adopted": total.adopted,
        "refused": len(total.refused),
        "unknown_licence": held_back,
        "url": target.url,
    }
    keep_table("label-push", result, "Tasks made in Label Studio")
    return result


if __name__ == "__main__":
    main(push_labels)
