"""The exact state of a run: one file, written aside and renamed, so it is whole or not there."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lowdiff.errors import ContractError
from lowdiff.sampling.snapshots import snapshot_path
from lowdiff.training.averages import Averages
from lowdiff.training.disk import writing

MOMENTS = ("exp_avg", "exp_avg_sq")


class Position(NamedTuple):
    """How far a run has come.

    Attributes:
        step: steps done.
        train_s: seconds spent in them, over all sittings.
        parts: that each batch was computed in; 0 when nothing was said of it.
    """

    step: int
    train_s: float
    parts: int = 0


def save_tensors(
    tensors: dict[str, Tensor], path: Path, *, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file aside and rename it.

    Raises:
        ServiceError: the disk is full or the folder cannot be written.
    """
    aside = path.with_name(f".{path.name}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            save_file(
                {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, aside, metadata
            )
            # safetensors does not sync: a file that a power cut leaves half must not get the name
            with aside.open("rb") as file:
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def save_checkpoint(
    path: Path,
    *,
    module: nn.Module,
    averages: Averages,
    optimiser: torch.optim.Optimizer,
    position: Position,
) -> None:
    """Keep everything that the next step depends on.

    Raises:
        ServiceError: it cannot be written.
    """
    tensors = {f"model.{name}": tensor for name, tensor in module.state_dict().items()}
    tensors |= {f"ema.{name}": tensor for name, tensor in averages.state().items()}
    for name, parameter in module.named_parameters():
        for moment in MOMENTS:
            tensors[f"{moment}.{name}"] = optimiser.state[parameter][moment]
    metadata = {
        "position": json.dumps(position._asdict()),
        "averaged": str(averages.updated),
    }
    save_tensors(tensors, path, metadata=metadata)


def save_snapshot(folder: Path, averages: Averages, *, images: int) -> None:
    """Keep the averages for later, in half precision.

    Raises:
        ServiceError: they cannot be written.
    """
    halves = {name: tensor.half() for name, tensor in averages.state().items()}
    save_tensors(halves, snapshot_path(folder, images))


def load_checkpoint(
    path: Path, *, module: nn.Module, averages: Averages, optimiser: torch.optim.Optimizer
) -> Position:
    """Put everything back; a run without a checkpoint stands at step 0.

    Raises:
        ContractError: the file is cut short or of another architecture.
    """
    if not path.is_file():
        return Position(0, 0.0)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            position = Position(**json.loads(metadata["position"]))
            averages.updated = int(metadata["averaged"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        module.load_state_dict(_part(state, "model."))
        for name, average in averages.state().items():
            average.copy_(state[f"ema.{name}"])
        for name, parameter in module.named_parameters():
            optimiser.state[parameter] = {
                "step": torch.tensor(float(position.step), device=parameter.device),
                **{moment: _like(state[f"{moment}.{name}"], parameter) for moment in MOMENTS},
            }
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ContractError(
            path,
            f"is no whole checkpoint of this run ({str(error).splitlines()[0]})",
            reason="checkpoint_damaged",
            do="Delete it and run the same command again: the run starts anew.",
        ) from error
    return position


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A copy with the parameter's device and memory layout, which the optimiser's sums follow."""
    return torch.empty_like(parameter, requires_grad=False).copy_(tensor)
