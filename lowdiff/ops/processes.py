"""Start, find and stop a background service of this machine; its facts lie in one JSON file."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psutil

from lowdiff.errors import ServiceError

LOG_TAIL_LINES = 12
HEALTH_TIMEOUT_S = 5.0

_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this process itself started: it must reap them, and nobody else can."""


@dataclass(frozen=True)
class Process:
    """A service that was started, as its state file tells it."""

    name: str
    pid: int
    created: float
    """Start time of the process in seconds: a pid alone may be somebody else's by now."""
    port: int
    url: str
    health_url: str
    log: str

    def is_alive(self) -> bool:
        """True while the very process that was started still runs."""
        try:
            process = psutil.Process(self.pid)
            return (
                abs(process.create_time() - self.created) < 1.0
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False

    def is_healthy(self) -> bool:
        """True when it answers its health address."""
        try:
            return httpx.get(self.health_url, timeout=HEALTH_TIMEOUT_S).is_success
        except httpx.HTTPError:
            return False

    def memory_mb(self) -> float:
        """Resident memory of the process and its children."""
        try:
            root = psutil.Process(self.pid)
            family = [root, *root.children(recursive=True)]
            return sum(process.memory_info().rss for process in family) / 1e6
        except psutil.NoSuchProcess:
            return 0.0


def read_process(folder: Path, name: str) -> Process | None:
    """The service as it was last started, alive or not."""
    try:
        return Process(**json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def start_process(
    folder: Path,
    name: str,
    *,
    command: Sequence[str],
    env: Mapping[str, str],
    port: int,
    health_path: str,
) -> Process:
    """Start a service in a session of its own, with its output in `<folder>/<name>.log`.

    Raises:
        ServiceError: the program cannot be started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    try:
        with log.open("ab") as output:
            started = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                start_new_session=True,
            )
    except OSError as error:
        raise ServiceError(
            name, f"{command[0]} cannot be started ({error.strerror})", reason="cannot_start"
        ) from error
    _children[started.pid] = started
    url = f"http://127.0.0.1:{port}"
    process = Process(
        name=name,
        pid=started.pid,
        created=psutil.Process(started.pid).create_time(),
        port=port,
        url=url,
        health_url=url + health_path,
        log=str(log),
    )
    (folder / f"{name}.json").write_text(json.dumps(asdict(process), indent=2), encoding="utf-8")
    return process


def wait_until_healthy(process: Process, *, timeout_s: float) -> None:
    """Return when the service answers.

    Raises:
        ServiceError: it ended, or did not answer in time; the message ends with its last words.
    """
    deadline = time.monotonic() + timeout_s
    while not process.is_healthy():
        if not process.is_alive():
            raise ServiceError(
                process.name,
                f"ended while starting; its last words:\n{_tail(process.log)}",
                reason="service_ended",
                do=f"The whole log is {process.log}.",
            )
        if time.monotonic() > deadline:
            raise ServiceError(
                process.name,
                f"does not answer at {process.health_url} after {timeout_s:.0f} s",
                reason="service_silent",
                do=f"Look into {process.log}; LOWDIFF_SERVICE_START_TIMEOUT_S gives it longer.",
            )
        time.sleep(0.5)


def stop_process(folder: Path, name: str, *, timeout_s: float = 20.0) -> bool:
    """End a service and its children; returns False when it did not run."""
    process = read_process(folder, name)
    was_alive = process is not None and process.is_alive()
    if process is not None and was_alive:
        _end_group(process.pid, timeout_s)
    (folder / f"{name}.json").unlink(missing_ok=True)
    return was_alive


def _end_group(pid: int, timeout_s: float) -> None:
    root = psutil.Process(pid)
    family = [root, *root.children(recursive=True)]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
    child = _children.pop(pid, None)
    if child is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout_s)
    _gone, left = psutil.wait_procs(family, timeout=timeout_s)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def is_free(port: int) -> bool:
    """True when nothing listens on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(preferred: int, *, attempts: int = 100) -> int:
    """The first free port at or after `preferred`.

    Raises:
        ServiceError: none of the next `attempts` ports is free.
    """
    for port in range(preferred, min(preferred + attempts, 65536)):
        if is_free(port):
            return port
    raise ServiceError(
        f"port {preferred}",
        f"is in use, and so are the next {attempts}",
        reason="no_free_port",
        do="Choose others with LOWDIFF_PREFECT_PORT and LOWDIFF_LABEL_STUDIO_PORT.",
    )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one `up` or `down` at a time work on the services of a workspace."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tail(log: str) -> str:
    lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-LOG_TAIL_LINES:])
