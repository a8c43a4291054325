"""Flow: bring in what people confirmed, and count what counts."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import RETRIES, keep_table, main, workspace_path
from lowdiff.labels.accept.policy import Acceptance, count_acceptance
from lowdiff.labels.desk.projects import find_project
from lowdiff.labels.desk.pull import PullReport, pull
from lowdiff.labels.schema import load_schema
from lowdiff.ops.labeling import connect_label_studio
from lowdiff.ops.project import open_project


@task(name="pull annotations", **RETRIES)
def pull_annotations(workspace: Path) -> PullReport:
    """Everything that changed since the last pull."""
    schema = load_schema()
    with open_project(workspace) as project, connect_label_studio(project) as client:
        target = find_project(
            client, catalog=project.catalog, schema=schema, name=project.settings.dataset_name
        )
        return pull(client=client, project=target, schema=schema, catalog=project.catalog)


@task(name="count labels", **RETRIES)
def count_labels(workspace: Path) -> Acceptance:
    """How many labels people said, how many drafts are sure enough, what is open."""
    with open_project(workspace) as project:
        return count_acceptance(
            project.catalog, load_schema(), accept_confidence=project.settings.accept_confidence
        )


@flow(name="pull-labels")
def pull_labels(workspace: str | None = None) -> dict[str, Any]:
    """Pull confirmed annotations as history; running it again adds nothing."""
    folder = workspace_path(workspace)
    pulled = asdict(pull_annotations(folder))
    accepted = asdict(count_labels(folder))
    keep_table("label-pull", pulled, "What this pull brought from Label Studio")
    return {"pulled": pulled, "accepted": accepted}


if __name__ == "__main__":
    main(pull_labels)
