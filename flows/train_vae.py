"""Flow: train the autoencoder of a dataset version."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import RETRIES, keep_table, main, training_progress, workspace_path
from lowdiff.datasets.find import open_dataset
from lowdiff.models.presets import load_preset
from lowdiff.ops.project import open_project
from lowdiff.training.vae import train_vae as train


@task(name="train the VAE", **RETRIES)
def train_one(workspace: Path, preset: str, number: int | None) -> dict[str, Any]:
    """Train, resume, or find the finished run."""
    chosen = load_preset(preset)
    with (
        open_project(workspace) as project,
        training_progress("Training VAE", chosen.vae.train.steps) as on_progress,
    ):
        name = project.settings.dataset_name
        run = train(
            open_dataset(project.catalog, project.workspace, name, number),
            preset=chosen,
            workspace=project.workspace,
            catalog=project.catalog,
            seed=project.settings.seed,
            on_progress=on_progress,
        )
    return {"run": run.run_id, "folder": str(run.folder), "found": run.found, **run.summary}


@flow(name="train-vae")
def train_vae(
    preset: str = "demo", version: int | None = None, workspace: str | None = None
) -> dict[str, Any]:
    """Train the autoencoder; an interrupted run goes on where it stopped.

    Args:
        version: number of the dataset version; default: the newest.
    """
    result = train_one(workspace_path(workspace), preset, version)
    keep_table("vae", result, "The autoencoder's last figures")
    return result


if __name__ == "__main__":
    main(train_vae)
