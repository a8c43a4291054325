"""What a long run costs: seconds per step and peak memory, kept in the workspace for the report."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from lowdiff.ops.services import running
from lowdiff.workspace import Workspace

TIMINGS_FILE = "timings.json"
MEMORY_FILE = "memory.json"


@dataclass
class Costs:
    """Seconds per step (kept over interrupted runs) and peak megabytes per group of processes."""

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    def save(self) -> None:
        """Write them down; what was measured survives an interruption."""
        _write(self.folder / TIMINGS_FILE, {key: round(s, 1) for key, s in self.seconds.items()})
        _write(self.folder / MEMORY_FILE, {key: round(mb) for key, mb in self.peak_mb.items()})


def open_costs(workspace: Workspace) -> Costs:
    """The costs measured so far in this workspace."""
    folder = workspace.root
    return Costs(folder, _read(folder / TIMINGS_FILE), _read(folder / MEMORY_FILE))


def _read(path: Path) -> dict[str, float]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}  # figures for people: a file cut short by a crash is no reason to stop


def _write(path: Path, values: dict[str, float]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


@contextmanager
def timed(costs: Costs, step: str) -> Iterator[None]:
    """Add the seconds of a step to what it took in earlier, interrupted runs."""
    started = time.monotonic()
    try:
        yield
    finally:
        spent = time.monotonic() - started
        costs.seconds[step] = costs.seconds.get(step, 0.0) + spent
        costs.save()


@contextmanager
def watched_memory(costs: Costs, workspace: Workspace, *, every_s: float = 1.0) -> Iterator[None]:
    """Sample resident memory now and then: our own processes and the servers apart."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(every_s):
            _raise_peak(costs, "lowdiff", _own_mb)
            for name, process in running(workspace).items():
                _raise_peak(costs, name, process.memory_mb)

    thread = threading.Thread(target=watch, name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        costs.save()


def _raise_peak(costs: Costs, name: str, measure: Callable[[], float]) -> None:
    try:
        costs.peak_mb[name] = max(costs.peak_mb.get(name, 0.0), measure())
    except psutil.NoSuchProcess:
        return  # it ended between two looks


def _own_mb() -> float:
    me = psutil.Process()
    total = float(me.memory_info().rss)
    for child in me.children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6
