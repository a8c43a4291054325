"""`lowdiff status`: what is there, and what runs."""

from lowdiff.cli.output import AsJson, emit


def status(as_json: AsJson = False) -> None:
    """Show how far the workspace is: images, text, labels, datasets, runs, services.

    Example: `lowdiff status --json | jq .images`
    """
    from lowdiff.ops.project import open_project
    from lowdiff.ops.status import describe

    with open_project() as project:
        emit(describe(project), as_json=as_json)
