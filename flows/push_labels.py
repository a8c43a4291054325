"""Flow: give annotators what is left to say, filled in, in the order of the queue."""

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
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.push import PushReport, push_batch
from lowdiff.labels.desk.refresh import RefreshReport, refresh_batch, settle_batch
from lowdiff.labels.desk.wanted import Wanted
from lowdiff.labels.schema import load_schema
from lowdiff.ops.labeling import Work, connect_label_studio, open_office, plan_work, stream_url
from lowdiff.ops.project import open_project

BATCH = 250
"""Label Studio takes a batch whole or not at all; this many are in within seconds."""


@task(name="plan the tasks", **RETRIES)
def plan_tasks(workspace: Path) -> list[Work]:
    """The queue beside the tasks that are there; makes the projects that are missing."""
    with open_project(workspace) as project, connect_label_studio(project) as client:
        return plan_work(project, client, load_schema())


@task(name="push a batch", **RETRIES)
def push_some(wanted: list[Wanted], workspace: Path, target: TaskProject) -> PushReport:
    """One batch of new tasks."""
    with open_project(workspace) as project, connect_label_studio(project) as client:
        return push_batch(wanted, open_office(project, client, target, load_schema()))


@task(name="refresh a batch", **RETRIES)
def refresh_some(
    wanted: list[Wanted], workspace: Path, target: TaskProject, front: frozenset[str]
) -> RefreshReport:
    """One batch of tasks that are there, brought up to date."""
    with open_project(workspace) as project, connect_label_studio(project) as client:
        office = open_office(project, client, target, load_schema())
        return refresh_batch(wanted, office, front=front)


@task(name="settle a batch", **RETRIES)
def settle_some(
    image_ids: list[str], workspace: Path, target: TaskProject, front: frozenset[str]
) -> RefreshReport:
    """One batch of tasks with nothing left to ask."""
    with open_project(workspace) as project, connect_label_studio(project) as client:
        office = open_office(project, client, target, load_schema())
        return settle_batch(image_ids, office, front=front)


@task(name="tell where to label", **RETRIES)
def tell_url(workspace: Path) -> str:
    """The address of the form's queue."""
    with open_project(workspace) as project, connect_label_studio(project) as client:
        return stream_url(project, client, load_schema())


@flow(name="push-labels", task_runner=one_batch_at_a_time)
def push_labels(workspace: str | None = None) -> dict[str, Any]:
    """Bring Label Studio's tasks up to date; pushes nothing twice, touches no work of people."""
    folder = workspace_path(workspace)
    works = plan_tasks(folder)
    pushed, refreshed = PushReport(), RefreshReport()
    for work in works:
        bring(work, folder, pushed, refreshed)
    result: dict[str, Any] = {
        "pushed": pushed.pushed,
        "adopted": pushed.adopted,
        "updated": refreshed.updated,
        "removed": refreshed.removed,
        "refused": len(pushed.refused),
        "unknown_licence": sum(work.unlicensed for work in works),
        "url": tell_url(folder),
    }
    keep_table("label-push", result, "Tasks in Label Studio")
    return result


def bring(work: Work, folder: Path, pushed: PushReport, refreshed: RefreshReport) -> None:
    """Bring the tasks of one screen up to date, and count."""
    plan = work.plan
    common: dict[str, Any] = {"workspace": folder, "target": work.target}
    old: dict[str, Any] = {**common, "front": plan.front}
    for report in run_batches(settle_some, plan.settled, BATCH, "Settling tasks", **old):
        refreshed.add(report)
    again: list[Wanted] = []
    for report in run_batches(refresh_some, plan.present, BATCH, "Refreshing tasks", **old):
        refreshed.add(report)
        again += report.again
    fresh = sorted([*plan.fresh, *again], key=lambda one: -one.priority)
    for made in run_batches(push_some, fresh, BATCH, "Pushing tasks", **common):
        pushed.add(made)


if __name__ == "__main__":
    main(push_labels)
