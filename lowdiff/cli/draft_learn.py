"""`lowdiff draft` and `lowdiff draft learn`."""

from typing import Annotated

import typer

from lowdiff.cli.draft import draft
from lowdiff.cli.output import AsJson, emit, progress, say

app = typer.Typer(invoke_without_command=True)


@app.callback()
def draft_all(context: typer.Context, as_json: AsJson = False) -> None:
    """Draft all label fields of the images whose text was read: measured, read, or from the source.

    Prints one line a field: how often each value, and the mean confidence. `lowdiff draft learn`
    then learns from what people have confirmed so far.

    Example: `lowdiff ocr && lowdiff draft`
    """
    if context.invoked_subcommand is None:
        draft(as_json=as_json)


@app.command()
def learn(
    anew: Annotated[
        bool, typer.Option("--anew", help="Train every head, whatever is new.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Learn from the labels so far, and draft what is not labeled yet anew.

    Trains a small model for every field with enough labels, searches all images for the logos that
    people have marked, passes labels on within families, and guesses captions from the nearest
    labeled images. Of all that is said of a field the surest statement becomes its draft. Labels of
    audited images are never learned from. Run it after every pull.

    Example: `lowdiff label pull && lowdiff draft learn && lowdiff label push`
    """
    from contextlib import ExitStack

    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.learning import learn_drafts
    from lowdiff.ops.project import open_project

    with open_project() as project, ExitStack() as bars:
        found = learn_drafts(
            project,
            load_schema(),
            anew=anew,
            watch=lambda what, number: bars.enter_context(progress(what, number)),
        )
    for head in found.heads:
        emit(
            {"field": head.field, "state": head.state, "labels": head.labels, **head.metrics},
            as_json=as_json,
            text=f"{head.field:<18} {head.state:<8} {head.labels:>6} labels  {head.told}",
        )
    result = found.redrafted
    if not as_json:
        for by, number in sorted(result.by_drafter.items()):
            say(f"{by} drafts {number} fields")
    emit(
        {
            "described": found.described,
            "searched_for_logos": found.searched,
            "captioned": found.captioned,
            "redrafted": result.images,
            "labels": result.labels,
            "drafters": dict(sorted(result.by_drafter.items())),
        },
        as_json=as_json,
        text=f"{result.images} images say something else now, {result.labels} labels",
    )
