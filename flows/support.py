"""What every flow shares: batches as tasks, retries for failing services, progress to look at."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

import httpx
from prefect import Task
from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from lowdiff.catalog.chunks import chunks
from lowdiff.cli.output import emit, progress, say
from lowdiff.cli.training_bar import training_bar
from lowdiff.errors import LowdiffError, ServiceError
from lowdiff.training.progress import Progress

Result = TypeVar("Result")
PROGRESS_EVERY_S = 2.0

one_batch_at_a_time: Any = ThreadPoolTaskRunner(max_workers=1)
"""A batch uses all cores of this machine by itself (`settings.workers`)."""


def worth_retrying(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Only a failed service may work later; anything else would fail again."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, ServiceError)


RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [1, 10, 60],
    "retry_condition_fn": worth_retrying,
    # the catalog knows what is done; a second memory could only disagree with it
    "cache_policy": NO_CACHE,
}
"""Options of every task that touches an outside service or the catalog."""


def workspace_path(workspace: str | None) -> Path:
    """The workspace of a flow run: its parameter, else `LOWDIFF_WORKSPACE`, else `data`."""
    return Path(workspace or os.environ.get("LOWDIFF_WORKSPACE", "data"))


@contextmanager
def told_progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress artifact in Prefect; yields `reach(number)`, to be told now and then.

    Args:
        total: None where nobody can know it before; the artifact then jumps from 0 to 100.
    """
    artifact_id = cast(
        UUID,  # a coroutine only inside an async flow; ours are not
        create_progress_artifact(
            progress=0.0 if total != 0 else 100.0,
            key=what.lower().replace(" ", "-"),
            description=what if total is None else f"{what}: {total:,}",
        ),
    )
    told_at = time.monotonic()

    def reach(number: int) -> None:
        nonlocal told_at
        if total and time.monotonic() - told_at >= PROGRESS_EVERY_S:
            told_at = time.monotonic()
            update_progress_artifact(artifact_id, progress=min(100.0, 100.0 * number / total))

    yield reach
    if total != 0:
        update_progress_artifact(artifact_id, progress=100.0)


@contextmanager
def shown_progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar in the terminal and a progress artifact in Prefect; yields `advance(number)`."""
    done = 0
    with told_progress(what, total) as reach, progress(what, total) as move:

        def advance(number: int) -> None:
            nonlocal done
            done += number
            move(number)
            reach(done)

        yield advance


@contextmanager
def training_progress(what: str, steps: int) -> Iterator[Callable[[Progress], None]]:
    """The same for a training run, with loss, images per second and time left."""
    with told_progress(what, steps) as reach, training_bar(what, steps) as show:

        def on_progress(point: Progress) -> None:
            show(point)
            reach(point.step)

        yield on_progress


def run_batches(
    task: Task[..., Result], ids: Sequence[Any], batch_size: int, what: str, **arguments: Any
) -> list[Result]:
    """Map a batch task over ids; the results come in no particular order.

    Args:
        task: takes a list of ids first, then `arguments`.
    """
    batches = [list(batch) for batch in chunks(ids, batch_size)]
    results: list[Result] = []
    with shown_progress(what, len(ids)) as advance:
        futures = {task.submit(batch, **arguments): len(batch) for batch in batches}
        for future in as_completed(list(futures)):
            results.append(future.result())
            advance(futures[future])
    return results


def keep_table(key: str, values: Mapping[str, Any], description: str) -> None:
    """Show the result of a flow in Prefect: one row per value."""
    rows = [{"what": name, "value": str(value)} for name, value in values.items()]
    create_table_artifact(key=key, table=rows, description=description)


def main(flow: Callable[..., Any]) -> None:
    """Run a flow as a program: its parameters are one JSON object, its errors one sentence.

    With `--json` behind the parameters, the flow's result is one JSON object on stdout.
    """
    parameters = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    try:
        result = flow(**parameters)
    except LowdiffError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        lost = ServiceError(
            os.environ.get("PREFECT_API_URL", "Prefect"),
            f"the Prefect server does not answer ({type(error).__name__})",
            reason="prefect_down",
            do="Nothing is lost: start it with `lowdiff up`, then run the same command again.",
        )
        say(f"error: {lost}")
        sys.exit(lost.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)  # the command that started us says what to do
    if "--json" in sys.argv[2:]:
        emit(result, as_json=True)
