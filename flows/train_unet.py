"""Flow: train the denoiser of a dataset version in the latent space of a VAE."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import RETRIES, keep_table, main, training_progress, workspace_path
from lowdiff.datasets.find import open_dataset
from lowdiff.models.presets import load_preset
from lowdiff.ops.project import open_project
from lowdiff.sampling.find import find_run
from lowdiff.training.unet import train_unet as train


@task(name="train the U-Net", **RETRIES)
def train_one(
    workspace: Path, preset: str, number: int | None, vae: str | None, parent: str | None
) -> dict[str, Any]:
    """Train, resume, or find the finished run."""
    chosen = load_preset(preset)
    plan = chosen.unet.train
    steps = plan.continue_steps if parent else plan.steps
    with (
        open_project(workspace) as project,
        training_progress("Training U-Net", steps) as on_progress,
    ):
        catalog, space = project.catalog, project.workspace
        run = train(
            open_dataset(catalog, space, project.settings.dataset_name, number),
            vae_dir=find_run(catalog, space, "vae", vae).folder,
            preset=chosen,
            workspace=space,
            catalog=catalog,
            parent=find_run(catalog, space, "unet", parent).folder if parent else None,
            seed=project.settings.seed,
            on_progress=on_progress,
        )
    return {"run": run.run_id, "folder": str(run.folder), "found": run.found, **run.summary}


@flow(name="train-unet")
def train_unet(
    preset: str = "demo",
    version: int | None = None,
    vae: str | None = None,
    parent: str | None = None,
    workspace: str | None = None,
) -> dict[str, Any]:
    """Train the denoiser; an interrupted run goes on where it stopped.

    Args:
        version: number of the dataset version; default: the newest.
        vae: id of the autoencoder run; default: the newest.
        parent: id of a denoiser run to start from; it must live in the same latent space.
    """
    result = train_one(workspace_path(workspace), preset, version, vae, parent)
    keep_table("unet", result, "The denoiser's last figures")
    return result


if __name__ == "__main__":
    main(train_unet)
