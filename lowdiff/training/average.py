"""A finished run again, with an average of another span, or of an earlier time."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.errors import InputError
from lowdiff.sampling.device import pick_accelerator
from lowdiff.sampling.load import load_denoiser
from lowdiff.sampling.run_folder import (
    CONFIG_FILE,
    RUN_FILE,
    TEXT_ENCODER_FILE,
    WEIGHTS_FILE,
    read_json,
    weights_sha256,
)
from lowdiff.sampling.snapshots import averaged_weights, list_snapshots
from lowdiff.training.checkpoint import save_tensors
from lowdiff.training.disk import writing
from lowdiff.training.origins import LICENCES_FILE
from lowdiff.training.runs import TrainedRun, train_run
from lowdiff.workspace import Workspace


def average_run(
    run_dir: Path,
    *,
    relative_std: float,
    workspace: Workspace,
    catalog: Catalog,
    share: float = 1.0,
    now: Callable[[], datetime] = utc_now,
) -> TrainedRun:
    """Make a run of its own from the snapshots of a finished one; seconds, no training.

    Args:
        relative_std: the span of the average; 0.05 to 0.15 are worth a try.
        share: of the run after which the average ends; 1 is its end.

    Raises:
        InputError: the run kept no snapshots up to there, or no average has such a span.
        ContractError: the run is not whole, or a snapshot is cut short.
        ServiceError: the run folder cannot be written.
    """
    source, summary = read_json(run_dir / CONFIG_FILE), read_json(run_dir / RUN_FILE)
    if not 0 < share <= 1:
        raise InputError("share", "is out of range", reason="bad_share", found=share,
                         allowed="above 0 and up to 1")  # fmt: skip
    images = round(int(summary["images_seen"]) * share)
    config: dict[str, Any] = {
        **{name: value for name, value in source.items() if name != "run_id"},
        "train": {**source["train"], "ema_std": relative_std},
        "averaged": {"from_run_id": run_dir.name, "images": images},
        "parent_run_id": run_dir.name,
        "parent_sha256": weights_sha256(run_dir),
    }

    def train(folder: Path) -> dict[str, Any]:
        state, mixture = averaged_weights(
            list_snapshots(run_dir), relative_std=relative_std, images=images, item=run_dir.name
        )
        whole = load_denoiser(run_dir).state_dict() | state  # buffers have no average
        save_tensors(whole, folder / WEIGHTS_FILE)
        fitted = run_dir / TEXT_ENCODER_FILE
        if fitted.is_file():
            with writing(folder):
                shutil.copyfile(fitted, folder / TEXT_ENCODER_FILE)
        return {
            "steps": summary["steps"],
            "images_seen": images,
            "train_s": 0.0,
            "parameters": summary["parameters"],
            "profile_error": round(mixture.error, 5),
        }

    return train_run(
        config, workspace=workspace, catalog=catalog, accelerator=pick_accelerator("cpu"), now=now,
        train=train, origins=lambda: read_json(run_dir / LICENCES_FILE),
    )  # fmt: skip
