"""Flow: learn from the labels so far, and draft anew what is not labeled yet."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import RETRIES, keep_table, main, workspace_path
from lowdiff.labels.schema import load_schema
from lowdiff.ops.learning import Learned, learn_drafts
from lowdiff.ops.project import open_project


@task(name="learn and draft anew", **RETRIES)
def learn_and_redraft(workspace: Path, anew: bool) -> Learned:
    """All in one task: what is up to date costs nothing when it is tried again."""
    with open_project(workspace) as project:
        return learn_drafts(project, load_schema(), anew=anew)


@flow(name="learn-drafts")
def learn_drafts_flow(workspace: str | None = None, anew: bool = False) -> dict[str, Any]:
    """Run it after a pull; running it again changes nothing until there are new labels."""
    found = learn_and_redraft(workspace_path(workspace), anew)
    heads = {
        one.field: f"{one.state}, {one.labels} labels: {one.told}" for one in found.heads
    }  # fmt: skip
    keep_table("learned-drafts", heads, "Heads, and what they have learned from")
    return {
        "heads": {one.field: one.state for one in found.heads},
        "redrafted": found.redrafted.images,
        "labels": found.redrafted.labels,
        "drafters": found.redrafted.by_drafter,
    }


if __name__ == "__main__":
    main(learn_drafts_flow)
