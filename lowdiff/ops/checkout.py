"""Find the flows of the checkout and run one of them as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lowdiff
from lowdiff.errors import ServiceError
from lowdiff.ops.processes import Process, read_process
from lowdiff.ops.services import PREFECT, QUIET

WATCH_EVERY_S = 1.0


def find_checkout(candidates: Sequence[Path] | None = None) -> Path:
    """The folder that holds `flows/`.

    Args:
        candidates: folders to look at; default: the present one, then the one that lowdiff is
            installed from.

    Raises:
        ServiceError: there is no checkout here.
    """
    for folder in candidates or (Path.cwd(), Path(lowdiff.__file__).parents[1]):
        if (folder / "flows" / "run_demo.py").is_file():
            return folder
    raise ServiceError(
        "flows/",
        "is not here: the flows are not part of the installed package",
        reason="no_checkout",
        do="Run the command in a checkout of lowdiff, or run its deployment from Prefect.",
    )


def run_flow(
    name: str,
    parameters: Mapping[str, Any],
    *,
    workspace: Path,
    prefect_api: str,
    as_json: bool = False,
) -> int:
    """Run `flows/<name>.py` against a Prefect server; its output is ours.

    Args:
        as_json: print the flow's result as one JSON object.

    Returns:
        The exit code of the flow's process.

    Raises:
        ServiceError: the server that `lowdiff up` started has ended meanwhile.
    """
    checkout = find_checkout()
    env = {
        **os.environ,
        **QUIET,
        "LOWDIFF_WORKSPACE": str(workspace.absolute()),
        "PREFECT_API_URL": prefect_api,
        "PREFECT_HOME": str((workspace / "services" / "prefect_home").absolute()),
        "PYTHONPATH": os.pathsep.join([str(checkout), os.environ.get("PYTHONPATH", "")]),
        # the terminal shows our own progress; the whole log is in Prefect
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_CLI_PROMPT": "false",
    }
    command = [sys.executable, "-m", f"flows.{name}", json.dumps(dict(parameters))]
    command += ["--json"] if as_json else []
    server = read_process(workspace / "services", PREFECT)
    if server is not None and not prefect_api.startswith(server.url):
        server = None  # the settings name another server, which is not ours to watch
    with subprocess.Popen(command, env=env) as process:
        try:
            return wait_for_flow(process, server)
        except KeyboardInterrupt:
            process.wait()
            raise


def wait_for_flow(process: "subprocess.Popen[bytes]", server: Process | None) -> int:
    """Wait for a flow; without its server it would try in vain for minutes, so it is ended.

    Returns:
        The exit code of the flow's process.

    Raises:
        ServiceError: the server has ended meanwhile.
    """
    while True:
        try:
            return process.wait(timeout=WATCH_EVERY_S)
        except subprocess.TimeoutExpired:
            if server is not None and not server.is_alive():
                process.kill()
                process.wait()
                raise ServiceError(
                    server.url,
                    "the Prefect server has ended in the middle of the run",
                    reason="prefect_died",
                    do=f"Its log is {server.log}. Nothing that was done is lost: run the same "
                    "command again; it starts the server and goes on.",
                ) from None
