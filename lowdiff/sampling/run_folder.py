"""How a run lies on disk; training writes it, everybody else reads it here.

`config.json` says what was trained, `weights.safetensors` holds the weights to use, and
`run.json` is written last: without it the run is not finished.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from lowdiff.errors import ContractError

CONFIG_FILE = "config.json"
TEXT_ENCODER_FILE = "text_encoder.safetensors"
WEIGHTS_FILE = "weights.safetensors"
METRICS_FILE = "metrics.jsonl"
ENVIRONMENT_FILE = "environment.json"
RUN_FILE = "run.json"
SAMPLES_FOLDER = "samples"
CHECKPOINT_FILE = "checkpoint/state.safetensors"


def is_finished(folder: Path) -> bool:
    """True when the run came to its end."""
    return (folder / RUN_FILE).is_file()


def read_json(path: Path) -> dict[str, Any]:
    """One of the JSON files of a run.

    Raises:
        ContractError: it is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ContractError(
            path.parent,
            f"is no whole run: it has no {path.name}",
            reason="run_incomplete",
            do="Run the `lowdiff train` command that made it again; it goes on where it stopped.",
        ) from error
    except ValueError as error:
        raise ContractError(path, f"is damaged ({error})", reason="run_damaged") from error
    if not isinstance(content, dict):
        raise ContractError(path, "is damaged (no JSON object)", reason="run_damaged")
    return content


def weights_sha256(folder: Path) -> str:
    """The digest of a run's weights: what later runs say they build on.

    Raises:
        ContractError: the run has no weights.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ContractError(
            folder,
            f"is no whole run: it has no {WEIGHTS_FILE}",
            reason="run_incomplete",
            do="Run the `lowdiff train` command that made it again; it goes on where it stopped.",
        )
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
