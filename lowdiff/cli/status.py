"""`lowdiff status`: what is there, and what runs."""

from typing import Annotated

import typer

from lowdiff.cli.output import emit

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


def status(as_json: AsJson = False) -> None:
    """Show how far the workspace is: images, text, labels, datasets, runs, services.

    Example: `lowdiff status --json | jq .images`
    """
    from lowdiff.ops.project import open_project
    from lowdiff.ops.status import describe

    with open_project() as project:
        emit(describe(project), as_json=as_json)
