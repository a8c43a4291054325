"""The run folder and the catalog row of a training run."""

import fcntl
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from lowdiff import __version__
from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import DatasetVersion, Run
from lowdiff.catalog.versions import finish_run, start_run
from lowdiff.errors import ContractError, ServiceError
from lowdiff.sampling.device import Accelerator
from lowdiff.sampling.run_folder import (
    CHECKPOINT_FILE,
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    RUN_FILE,
    is_finished,
    read_json,
)
from lowdiff.training.card import CARD_FILE, model_card
from lowdiff.training.disk import writing
from lowdiff.training.launch import Launch
from lowdiff.training.origins import LICENCES_FILE
from lowdiff.workspace import Workspace

TRAINING_VERSION = "2"
"""Raised by a person when the same config would train other weights."""


@dataclass(frozen=True)
class TrainedRun:
    """A finished run.

    Attributes:
        summary: the last figures: losses, seconds, images seen.
        found: True when it was finished before and nothing was trained.
    """

    run_id: str
    folder: Path
    summary: dict[str, Any]
    found: bool


def run_id_of(config: dict[str, Any]) -> str:
    """`<kind>-<12 hex>`: the same config and data are the same run."""
    text = json.dumps({**config, "training": TRAINING_VERSION}, sort_keys=True)
    return f"{config['kind']}-{sha256(text.encode()).hexdigest()[:12]}"


def train_run(
    config: dict[str, Any],
    *,
    workspace: Workspace,
    catalog: Catalog,
    accelerator: Accelerator,
    now: Callable[[], datetime],
    train: Callable[[Path], dict[str, Any]],
    origins: Callable[[], dict[str, Any]],
    launch: Launch | None = None,
) -> TrainedRun:
    """Run `train` inside the folder of this config, with its rows, unless it is finished.

    Args:
        train: does the work, resuming from the folder's checkpoint; returns the summary.
        origins: whose images it learns from; see `origins.origins_of`.

    Raises:
        ContractError: the folder holds another run, or the run builds on what is not there.
        ServiceError: another process trains this very run, or the folder cannot be written.
    """
    run_id = run_id_of(config)
    folder = workspace.runs / run_id
    launch = launch or Launch()
    if not launch.workers.first:
        # the first process keeps the folder and the catalog; this one only computes
        found = launch.workers.agree(False)
        return TrainedRun(run_id, folder, {} if found else train(folder), found)
    with _held(folder):
        _start(catalog, _row(run_id, config, folder, workspace, now()))
        found = launch.workers.agree(is_finished(folder))
        if not found:
            _keep_config(folder, {"run_id": run_id, **config})
            environment = _environment(accelerator, launch)
            write_json(folder / ENVIRONMENT_FILE, environment)
            write_json(folder / LICENCES_FILE, told := origins())
            try:
                summary = train(folder)
            except BaseException:  # Ctrl-C too: the same command goes on from the checkpoint
                with catalog.write() as session:
                    finish_run(session, run_id, state="failed", summary={}, now=now())
                raise
            card = model_card({"run_id": run_id, **config}, summary, told, environment)
            write_text(folder / CARD_FILE, card)
            write_json(
                folder / RUN_FILE,
                {"run_id": run_id, "state": "done", "finished_at": now().isoformat()} | summary,
            )
        _forget_checkpoint(folder)
        record = read_json(folder / RUN_FILE)
        finished_at = datetime.fromisoformat(record["finished_at"])
        summary = {k: v for k, v in record.items() if k not in ("run_id", "state", "finished_at")}
        with catalog.write() as session:
            finish_run(session, run_id, state="done", summary=summary, now=finished_at)
    return TrainedRun(run_id, folder, summary, found)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file aside and rename it.

    Raises:
        ServiceError: it cannot be written.
    """
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False))


def write_text(path: Path, text: str) -> None:
    """Write a text file aside and rename it.

    Raises:
        ServiceError: it cannot be written.
    """
    aside = path.with_name(f".{path.name}.tmp")
    with writing(path):
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)


def _keep_config(folder: Path, config: dict[str, Any]) -> None:
    """Write the config of a run; one that says something else is never overwritten."""
    path = folder / CONFIG_FILE
    if path.is_file():
        told = json.loads(json.dumps(config))  # tuples are lists there
        there = read_json(path)
        different = sorted(k for k in there.keys() | told.keys() if there.get(k) != told.get(k))
        if different:
            raise ContractError(
                folder, "holds another run of the same id; nothing of it is overwritten",
                reason="run_folder_taken", found=f"another {', '.join(different)}",
                do="Move this folder away, then run the same command again.",
            )  # fmt: skip
    write_json(path, config)


def _start(catalog: Catalog, row: Run) -> None:
    """Keep the row of a run that starts; what it builds on must be in the catalog."""
    needed = {
        "dataset version": (DatasetVersion, row.dataset_digest),
        "autoencoder run": (Run, row.vae_run_id),
        "parent run": (Run, row.parent_run_id),
    }
    with catalog.write() as session:
        for what, (table, key) in needed.items():
            if key is not None and session.get(table, key) is None:
                raise ContractError(
                    row.id, f"builds on a {what} that the catalog does not know",
                    reason="origin_unknown", found=key,
                    do="Use one of this workspace: `lowdiff status` shows them.",
                )  # fmt: skip
        start_run(session, row)


def _row(
    run_id: str, config: dict[str, Any], folder: Path, workspace: Workspace, now: datetime
) -> Run:
    return Run(
        id=run_id,
        kind=config["kind"],
        preset=config["preset"],
        state="running",
        dataset_digest=config["dataset"]["digest"],
        vae_run_id=config.get("vae_run_id"),
        parent_run_id=config.get("parent_run_id"),
        path=str(folder.relative_to(workspace.root)),
        summary={},
        created_at=now,
    )


def _environment(accelerator: Accelerator, launch: Launch) -> dict[str, Any]:
    return {
        "lowdiff": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        **accelerator.describe(),
        "processes": launch.workers.count,
        "compile": launch.compile if launch.compiles_on(accelerator.device) else "off",
    }


def _forget_checkpoint(folder: Path) -> None:
    checkpoint = folder / CHECKPOINT_FILE
    checkpoint.unlink(missing_ok=True)
    if checkpoint.parent.is_dir() and not any(checkpoint.parent.iterdir()):
        checkpoint.parent.rmdir()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the run: two processes must not train into one folder. A dead holder lets go."""
    with writing(folder):
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError(
                folder.name,
                "is being trained by another process",
                reason="run_busy",
                do="Wait until it has finished, then run the command again to see its figures.",
            ) from error
        yield
