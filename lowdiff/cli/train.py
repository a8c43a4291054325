"""`lowdiff train …`: the autoencoder, the denoiser, and averages of it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit
from lowdiff.cli.train_plan import (
    Accumulate,
    Compile,
    Dataset,
    Device,
    PresetName,
    estimate,
    estimated,
    launch_for,
    open_version,
    preset_for,
    tell_plan,
)
from lowdiff.cli.training_bar import training_bar

if TYPE_CHECKING:
    from lowdiff.training.runs import TrainedRun

train_app = typer.Typer(
    help="Train the autoencoder, then the denoiser in its latent space.", no_args_is_help=True
)
Seed = Annotated[int | None, typer.Option(help="Default: setting seed.")]

train_app.command("estimate")(estimate)


@train_app.command("vae")
def train_vae(
    dataset: Dataset = None,
    preset: PresetName = None,
    arch: Annotated[
        str | None,
        typer.Option(help="conv, plain, linear (the story's) or diffusers; default: the preset's."),
    ] = None,
    latent_channels: Annotated[
        int | None, typer.Option(help="3 to 16 suit most images; default: the preset's.")
    ] = None,
    factor: Annotated[
        int | None, typer.Option(help="Pixels per latent cell: 4, 8 or 16; default: the preset's.")
    ] = None,
    seed: Seed = None,
    device: Device = None,
    accumulate: Accumulate = 0,
    compiled: Compile = "off",
    as_json: AsJson = False,
) -> None:
    """Train the autoencoder; run again after an interruption, it goes on where it stopped.

    Several GPUs: `torchrun --nproc-per-node 4 -m lowdiff.cli.app train vae`.

    Example: `lowdiff train vae --preset demo`
    """
    from lowdiff.models.variants import with_autoencoder
    from lowdiff.ops.project import open_project
    from lowdiff.training.vae import train_vae
    from lowdiff.training.workers import join_workers

    join_workers()  # each process has its GPU before anything is measured on one
    with open_project() as project:
        version = open_version(project, dataset)
        chosen = preset_for(version, preset, device)
        if arch or latent_channels is not None or factor is not None:
            chosen = with_autoencoder(
                chosen, arch=arch, latent_channels=latent_channels, factor=factor
            )
        plan = estimated("vae", version, chosen, device)
        launch = launch_for(plan, device, accumulate, compiled)
        if launch.workers.first:
            tell_plan(plan, version)
        with training_bar("autoencoder", chosen.vae.train.steps) as on_progress:
            run = train_vae(
                version,
                preset=chosen,
                workspace=project.workspace,
                catalog=project.catalog,
                seed=project.settings.seed if seed is None else seed,
                device=device,
                on_progress=on_progress,
                launch=launch,
            )
    if launch.workers.first:
        _tell_run(run, as_json=as_json, estimate=plan.as_dict())


@train_app.command("unet")
def train_unet(
    dataset: Dataset = None,
    preset: PresetName = None,
    vae: Annotated[
        str | None, typer.Option(help="An autoencoder run; default: the parent's, or the newest.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option(help="Go on from the weights of this denoiser run.")
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option(
            help="unet, dit, context, residual, attention, multi_attention or diffusers; default: "
            "the parent's, or the preset's."
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            help="minilm, clip, bert, roberta (with :PATH or :MODEL for other weights), tfidf, "
            "bytes, class (what stands before the first comma), none, or several joined by +; "
            "default: the parent's, or the preset's."
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="flow, edm, v-zero-snr, x0-cosine, eps-scaled-linear, eps-linear or story; "
            "default: the parent's, or the preset's."
        ),
    ] = None,
    inpaint: Annotated[
        bool,
        typer.Option(
            "--inpaint",
            help="Teach it to fill holes (`lowdiff inpaint`); with --parent an ordinary denoiser "
            "learns it in addition.",
        ),
    ] = False,
    seed: Seed = None,
    device: Device = None,
    accumulate: Accumulate = 0,
    compiled: Compile = "off",
    as_json: AsJson = False,
) -> None:
    """Train the denoiser; run again after an interruption, it goes on where it stopped.

    Without --preset it takes the preset of the parent, or else that of the autoencoder. Several
    GPUs: `torchrun --nproc-per-node 4 -m lowdiff.cli.app train unet`.

    Example: `lowdiff train unet && lowdiff generate "a raccoon"`
    """
    from lowdiff.models.objectives.objective import find_objective, objective_of_run
    from lowdiff.models.variants import with_denoiser, with_text
    from lowdiff.ops.project import open_project
    from lowdiff.sampling.find import find_run
    from lowdiff.sampling.run_folder import CONFIG_FILE, read_json
    from lowdiff.training.unet import train_unet
    from lowdiff.training.workers import join_workers

    join_workers()  # each process has its GPU before anything is measured on one
    with open_project() as project:
        version = open_version(project, dataset)
        older = find_run(project.catalog, project.workspace, "unet", parent) if parent else None
        if older is not None and older.vae_dir is not None and vae is None:
            vae = older.vae_dir.name
        found = find_run(project.catalog, project.workspace, "vae", vae)
        basis = found if older is None else older
        told = read_json(basis.folder / CONFIG_FILE)
        preset = preset or str(told["preset"])
        chosen = preset_for(version, preset, device)
        if older is not None:
            arch = arch or str(told.get("arch", "unet"))
            text = text or str(told["text_encoder"]["name"])
        if arch:
            chosen = with_denoiser(chosen, arch)
        if text:
            chosen = with_text(chosen, text)
        if objective:
            chosen = replace(chosen, unet=replace(chosen.unet, objective=find_objective(objective)))
        elif older is not None:
            own = objective_of_run(told, item=older.run_id).config
            chosen = replace(chosen, unet=replace(chosen.unet, objective=own))
        if inpaint or told.get("inpaint"):
            chosen = replace(chosen, unet=replace(chosen.unet, inpaint=True))
        recipe = chosen.unet.train
        steps = recipe.steps if older is None else recipe.continue_steps
        plan = estimated("unet", version, chosen, device, steps=steps)
        launch = launch_for(plan, device, accumulate, compiled)
        if launch.workers.first:
            tell_plan(plan, version)
        with training_bar("denoiser", steps) as on_progress:
            run = train_unet(
                version,
                vae_dir=found.folder,
                preset=chosen,
                workspace=project.workspace,
                catalog=project.catalog,
                parent=None if older is None else older.folder,
                seed=project.settings.seed if seed is None else seed,
                device=device,
                on_progress=on_progress,
                launch=launch,
            )
    if launch.workers.first:
        _tell_run(run, as_json=as_json, estimate=plan.as_dict())


@train_app.command("average")
def average(
    run: Annotated[str, typer.Argument(help="A finished denoiser run that kept snapshots.")],
    std: Annotated[
        float, typer.Option(min=0.01, max=0.27, help="Span of the average, as a share of the run.")
    ],
    at: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the run after which it ends.")
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Make a run with another average of the weights out of a finished one; trains nothing.

    Short averages are sharper, long ones smoother; which is better, its evaluation tells.

    Example: `lowdiff train average unet-0123456789ab --std 0.12`
    """
    from lowdiff.ops.project import open_project
    from lowdiff.sampling.find import find_run
    from lowdiff.training.average import average_run

    with open_project() as project:
        source = find_run(project.catalog, project.workspace, "unet", run)
        made = average_run(
            source.folder,
            relative_std=std,
            share=at,
            workspace=project.workspace,
            catalog=project.catalog,
        )
    _tell_run(made, as_json=as_json)


def _tell_run(run: "TrainedRun", *, as_json: bool, **more: Any) -> None:
    record = {
        "run": run.run_id, "folder": str(run.folder), "found": run.found, **run.summary, **more
    }  # fmt: skip
    how = "was made before, nothing to do" if run.found else "made"
    figures = "\n".join(f"  {key}: {value}" for key, value in run.summary.items())
    emit(record, as_json=as_json, text=f"{run.run_id}  {how}\n{figures}\n  folder: {run.folder}")
