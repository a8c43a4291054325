"""Flow: one round of labeling: answers in, learn, decide what counts, tasks up to date."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.pull_labels import decide_and_count, pull_labels
from flows.push_labels import push_labels
from flows.support import RETRIES, keep_table, main, workspace_path
from lowdiff.labels.schema import load_schema
from lowdiff.ops.label_round import learn_when_worth_while
from lowdiff.ops.project import open_project


@task(name="learn when worth while", **RETRIES)
def learn_if_due(workspace: Path) -> int | None:
    """Images whose drafts say something else now; None where there was too little new."""
    with open_project(workspace) as project:
        learned = learn_when_worth_while(project, load_schema())
    return None if learned is None else learned.redrafted.images


@flow(name="label-round")
def label_round(workspace: str | None = None) -> dict[str, Any]:
    """Run it as often as you like: what is up to date stays as it is."""
    folder = workspace_path(workspace)
    result = pull_labels(workspace)
    redrafted = learn_if_due(folder)
    if redrafted is not None:
        result["accepted"] = decide_and_count(folder)
    pushed = push_labels(workspace)
    keep_table(
        "label-round",
        {"annotations": result["pulled"]["annotations"], "redrafted": redrafted, **pushed},
        "What a round of labeling came to",
    )
    return {**result, "redrafted": redrafted, "pushed": pushed}


if __name__ == "__main__":
    main(label_round)
