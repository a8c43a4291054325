"""Train the tiny preset in a workspace."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

from lowdiff.catalog import Catalog
from lowdiff.datasets.read import Version
from lowdiff.models.presets import Preset, tiny
from lowdiff.sampling.run_folder import WEIGHTS_FILE
from lowdiff.training.progress import Progress
from lowdiff.training.runs import TrainedRun
from lowdiff.training.unet import train_unet
from lowdiff.training.vae import train_vae
from lowdiff.workspace import Workspace


class Lab:
    """A dataset version in a workspace, and how to train on it."""

    def __init__(self, version: Version, workspace: Workspace, catalog: Catalog) -> None:
        self.version, self.workspace, self.catalog = version, workspace, catalog

    def vae(self, preset: Preset | None = None, **more: object) -> TrainedRun:
        return train_vae(self.version, **self._common(preset), **more)

    def unet(
        self, vae: TrainedRun | Path, preset: Preset | None = None, **more: object
    ) -> TrainedRun:
        folder = vae if isinstance(vae, Path) else vae.folder
        return train_unet(self.version, vae_dir=folder, **self._common(preset), **more)

    def _common(self, preset: Preset | None) -> dict[str, object]:
        return {
            "preset": preset or tiny(),
            "workspace": self.workspace,
            "catalog": self.catalog,
            "device": "cpu",
        }


def weights(run: TrainedRun | Path) -> dict[str, torch.Tensor]:
    return load_file((run if isinstance(run, Path) else run.folder) / WEIGHTS_FILE)


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def stop_at(step: int) -> Callable[[Progress], None]:
    """Interrupt a run right after this step was logged."""

    def watch(progress: Progress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return watch
