"""Flow: tell the whole workspace on one page."""

from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_link_artifact

from flows.support import RETRIES, main, workspace_path
from lowdiff.labels.schema import load_schema
from lowdiff.ops.acceptance import present_policy
from lowdiff.ops.project import open_project
from lowdiff.report.write import write_report as write


@task(name="write the page", **RETRIES)
def write_page(workspace: Path) -> Path:
    """One self-contained HTML file."""
    with open_project(workspace) as project:
        return write(
            catalog=project.catalog,
            store=project.store,
            workspace=project.workspace,
            schema=load_schema(),
            policy=present_policy(project),
            dataset_name=project.settings.dataset_name,
            error_limit=project.settings.accept_error_limit,
            audit_share=project.settings.audit_share,
        )


@flow(name="write-report")
def write_report(workspace: str | None = None) -> str:
    """Corpus, labels, training, evaluation and pictures on one page that opens offline."""
    page = write_page(workspace_path(workspace)).absolute()
    create_link_artifact(key="report", link=page.as_uri(), description="The report")
    return str(page)


if __name__ == "__main__":
    main(write_report)
