"""How every command speaks: results on stdout, messages on stderr, errors in one sentence."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
"""The option of every command that reports."""

messages = Console(stderr=True, highlight=False, soft_wrap=True)
"""For people: progress, hints, errors."""


def say(text: str) -> None:
    """Tell a person something; never mixes with the results."""
    messages.print(text, markup=False)


def say_left_out(error: Exception) -> None:
    """Tell a person of something wrong that does not stop the run."""
    say(f"left out: {error}")


def emit(record: Mapping[str, Any], *, as_json: bool, text: str | None = None) -> None:
    """Print one result: a JSON object on a line of its own, or `text` for people.

    Args:
        record: plain values; dates and paths become strings.
        text: what a person reads; default: one `key: value` a line.
    """
    if as_json:
        sys.stdout.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()
        return
    print(
        text if text is not None else "\n".join(f"{key}: {value}" for key, value in record.items())
    )


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal while something runs; yields `advance(number_done)`."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=messages,
        disable=not messages.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda number: bar.update(task, advance=number)


def how_we_are_called() -> list[str]:
    """`lowdiff`, with the workspace where it is not the default one: for commands on pages."""
    workspace = os.environ.get("LOWDIFF_WORKSPACE")
    return ["lowdiff", "--workspace", workspace] if workspace else ["lowdiff"]
