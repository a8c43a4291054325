"""The `lowdiff` command. Each command calls one room, one operation or one flow."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lowdiff import __version__
from lowdiff.cli import (
    compare,
    dedupe,
    draft_learn,
    edit,
    evaluate,
    export,
    export_model,
    flows,
    generate,
    ingest,
    label,
    ocr,
    report,
    schema,
    services,
    sources,
    status,
    train,
)
from lowdiff.cli.output import say
from lowdiff.errors import LowdiffError

EXIT_CODES = """
Exit codes: 0 done · 1 a bug, please report it · 2 wrong usage · 3 wrong input (InputError) ·
4 a service failed, try again (ServiceError) · 5 artefacts disagree (ContractError) ·
130 interrupted; the same command resumes.
"""

INTERRUPTED = 130

app = typer.Typer(
    name="lowdiff",
    help="A small text-to-image model of your own: ingest, label, train, evaluate, generate.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(flows.demo)
app.command()(flows.retrain)
app.command()(services.up)
app.command()(status.status)
app.add_typer(sources.corpus_app, name="corpus")
app.add_typer(sources.source_app, name="source")
app.add_typer(ingest.app, name="ingest")
app.add_typer(dedupe.app, name="dedupe")
app.add_typer(label.app, name="label")
app.add_typer(schema.app, name="schema")
app.add_typer(ocr.app, name="ocr")
app.add_typer(draft_learn.app, name="draft")
app.command()(export.export)
app.add_typer(export.dataset_app, name="dataset")
app.add_typer(train.train_app, name="train")
app.command()(evaluate.evaluate)
app.command()(compare.compare)
app.command()(generate.generate)
app.command()(edit.edit)
app.command()(edit.inpaint)
app.command("export-model")(export_model.export_model)
app.command()(report.report)
app.command()(services.down)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"lowdiff {__version__}")
        raise typer.Exit


@app.callback()
def _before_every_command(
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", envvar="LOWDIFF_WORKSPACE", help="Default: ./data"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    if workspace is not None:
        os.environ["LOWDIFF_WORKSPACE"] = str(workspace)


def main() -> None:
    """Run the command line; an error of ours is one sentence and an exit code."""
    try:
        app()
    except LowdiffError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # Typer's answer to Ctrl-C
            say("interrupted; the same command goes on where it stopped")
        raise


if __name__ == "__main__":
    main()
