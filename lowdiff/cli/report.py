"""`lowdiff report`: the whole project on one page."""

from pathlib import Path
from typing import Annotated

import typer

from lowdiff.cli.output import AsJson, emit, messages

Out = Annotated[
    Path | None, typer.Option("--out", help="The HTML file. Default: report.html in the workspace.")
]


def report(out: Out = None, as_json: AsJson = False) -> None:
    """Write the report: corpus, text, labels, dataset, training and evaluation on one HTML page.

    Possible at any stage; the page opens offline and tells what to run next. Prints its path.

    Example: `lowdiff report --out report.html`
    """
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.acceptance import present_policy
    from lowdiff.ops.project import open_project
    from lowdiff.report.write import write_report

    with open_project() as project, messages.status("writing the report …"):
        path = write_report(
            catalog=project.catalog,
            store=project.store,
            workspace=project.workspace,
            schema=load_schema(),
            policy=present_policy(project),
            dataset_name=project.settings.dataset_name,
            error_limit=project.settings.accept_error_limit,
            audit_share=project.settings.audit_share,
            out=out,
        )
    emit({"report": path, "bytes": path.stat().st_size}, as_json=as_json, text=str(path))
