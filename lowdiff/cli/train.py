"""`lowdiff train vae` and `lowdiff train unet`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lowdiff.cli.output import AsJson, emit, say
from lowdiff.cli.training_bar import training_bar

if TYPE_CHECKING:
    from lowdiff.datasets.read import Version
    from lowdiff.models.presets import Preset, TrainConfig
    from lowdiff.ops.project import Project
    from lowdiff.training.runs import TrainedRun

train_app = typer.Typer(
    help="Train the autoencoder, then the denoiser in its latent space.", no_args_is_help=True
)
Dataset = Annotated[
    str | None,
    typer.Option("--dataset", help="name, name@3 or 3; default: the newest of your dataset."),
]
PresetName = Annotated[str, typer.Option("--preset", help="demo, base256 or tiny.")]
Seed = Annotated[int | None, typer.Option(help="Default: setting seed.")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; default: a GPU where there is one.")]


@train_app.command("vae")
def train_vae(
    dataset: Dataset = None,
    preset: PresetName = "demo",
    seed: Seed = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Train the autoencoder; run again after an interruption, it goes on where it stopped.

    Example: `lowdiff train vae --preset demo`
    """
    from lowdiff.models.presets import load_preset
    from lowdiff.ops.project import open_project
    from lowdiff.training.vae import train_vae

    chosen = load_preset(preset)
    with open_project() as project:
        version = _open_dataset(project, dataset)
        plan = chosen.vae.train
        _tell_plan("autoencoder", chosen, plan, plan.steps, version)
        with training_bar("autoencoder", plan.steps) as on_progress:
            run = train_vae(
                version,
                preset=chosen,
                workspace=project.workspace,
                catalog=project.catalog,
                seed=project.settings.seed if seed is None else seed,
                device=device,
                on_progress=on_progress,
            )
    _tell_run(run, as_json=as_json)


@train_app.command("unet")
def train_unet(
    dataset: Dataset = None,
    preset: PresetName = "demo",
    vae: Annotated[
        str | None, typer.Option(help="An autoencoder run; default: the parent's, or the newest.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option(help="Go on from the weights of this denoiser run.")
    ] = None,
    seed: Seed = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Train the denoiser; run again after an interruption, it goes on where it stopped.

    Example: `lowdiff train unet && lowdiff generate "a raccoon"`
    """
    from lowdiff.models.presets import load_preset
    from lowdiff.ops.project import open_project
    from lowdiff.sampling.find import find_run
    from lowdiff.training.unet import train_unet

    chosen = load_preset(preset)
    with open_project() as project:
        version = _open_dataset(project, dataset)
        older = find_run(project.catalog, project.workspace, "unet", parent) if parent else None
        if older is not None and older.vae_dir is not None and vae is None:
            vae = older.vae_dir.name
        plan = chosen.unet.train
        steps = plan.steps if older is None else plan.continue_steps
        _tell_plan("denoiser", chosen, plan, steps, version)
        with training_bar("denoiser", steps) as on_progress:
            run = train_unet(
                version,
                vae_dir=find_run(project.catalog, project.workspace, "vae", vae).folder,
                preset=chosen,
                workspace=project.workspace,
                catalog=project.catalog,
                parent=None if older is None else older.folder,
                seed=project.settings.seed if seed is None else seed,
                device=device,
                on_progress=on_progress,
            )
    _tell_run(run, as_json=as_json)


def _open_dataset(project: "Project", reference: str | None) -> "Version":
    from lowdiff.datasets.find import open_dataset, parse_reference

    name, number = project.settings.dataset_name, None
    if reference is not None:
        name, number = parse_reference(reference, default_name=name)
    return open_dataset(project.catalog, project.workspace, name, number)


def _tell_plan(
    what: str, preset: "Preset", plan: "TrainConfig", steps: int, version: "Version"
) -> None:
    images = version.rows("train")
    seen = steps * plan.batch_size
    say(
        f"{what}, preset {preset.name}: {steps:,} steps of {plan.batch_size} images of "
        f"{preset.image_px} px; each of {images:,} training images is seen about "
        f"{seen / max(images, 1):.0f} times; the time left is shown after the first steps"
    )


def _tell_run(run: "TrainedRun", *, as_json: bool) -> None:
    record = {"run": run.run_id, "folder": str(run.folder), "found": run.found, **run.summary}
    how = "was trained before, nothing to do" if run.found else "trained"
    figures = "\n".join(f"  {key}: {value}" for key, value in run.summary.items())
    emit(record, as_json=as_json, text=f"{run.run_id}  {how}\n{figures}\n  folder: {run.folder}")
