"""Flow: bring in what people confirmed, and count what counts."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import RETRIES, keep_table, main, workspace_path
from lowdiff.labels.desk.pulled import PullReport
from lowdiff.labels.schema import load_schema
from lowdiff.ops.acceptance import decide_acceptance, label_status
from lowdiff.ops.labeling import connect_label_studio, pull_screens
from lowdiff.ops.project import open_project


@task(name="pull annotations", **RETRIES)
def pull_annotations(workspace: Path) -> PullReport:
    """Everything that changed on both screens since the last pull."""
    with open_project(workspace) as project, connect_label_studio(project) as client:
        return pull_screens(project, client, load_schema())


@task(name="decide what counts", **RETRIES)
def decide_and_count(workspace: Path) -> dict[str, Any]:
    """Which drafts count without a person now, and how far labeling is."""
    schema = load_schema()
    with open_project(workspace) as project:
        switched = [one for one in decide_acceptance(project, schema) if one.switched]
        state = label_status(project, schema).record()
    return state | {"switched": [asdict(one) for one in switched]}


@flow(name="pull-labels")
def pull_labels(workspace: str | None = None) -> dict[str, Any]:
    """Pull confirmed annotations as history; running it again adds nothing."""
    folder = workspace_path(workspace)
    pulled = asdict(pull_annotations(folder))
    accepted = decide_and_count(folder)
    keep_table("label-pull", pulled, "What this pull brought from Label Studio")
    return {"pulled": pulled, "accepted": accepted}


if __name__ == "__main__":
    main(pull_labels)
