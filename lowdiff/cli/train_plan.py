"""What `lowdiff train …` asks before it starts: which preset, and what will it take."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit, say

if TYPE_CHECKING:
    from lowdiff.datasets.read import Version
    from lowdiff.models.presets import Preset
    from lowdiff.ops.project import Project
    from lowdiff.training.estimate import Estimate
    from lowdiff.training.launch import Launch

Dataset = Annotated[
    str | None,
    typer.Option("--dataset", help="name, name@3 or 3; default: the newest of your dataset."),
]
PresetName = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="article, demo, base256 or pro800, or a smaller one (base256-5m, base256-20m, "
        "pro800-5m, pro800-20m); default: what suits the data and the machine.",
    ),
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; default: a GPU where there is one.")]
Accumulate = Annotated[
    int,
    typer.Option(
        min=0,
        help="Compute each batch in so many parts, for less memory and the same result; "
        "0: as many as the memory asks for.",
    ),
]
Compile = Annotated[
    str,
    typer.Option(
        "--compile", help="off, on (torch.compile) or graphs (and CUDA graphs); on a GPU only."
    ),
]


def estimate(
    dataset: Dataset = None,
    preset: PresetName = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Say which preset would be taken and what it would take; trains nothing.

    The pace is measured in a step or two of the very networks, the rest is arithmetic: trust the
    time to about a third.

    Example: `lowdiff train estimate --preset base256 --json | jq .seconds`
    """
    from lowdiff.ops.project import open_project

    with open_project() as project:
        version = open_version(project, dataset)
        chosen = preset_for(version, preset, device)
        for model in ("vae", "unet"):
            found = estimated(model, version, chosen, device)
            emit(found.as_dict(), as_json=as_json, text=found.in_words())


def open_version(project: "Project", reference: str | None) -> "Version":
    """The dataset version that a command means."""
    from lowdiff.datasets.find import open_dataset, parse_reference

    name, number = project.settings.dataset_name, None
    if reference is not None:
        name, number = parse_reference(reference, default_name=name)
    return open_dataset(project.catalog, project.workspace, name, number)


def preset_for(version: "Version", name: str | None, device: str | None) -> "Preset":
    """The preset of this name, or the one that suits; says why."""
    from lowdiff.models.presets import load_preset
    from lowdiff.training.choose import choose_for, look_at_machine

    if name is not None:
        return load_preset(name)
    choice = choose_for(version, look_at_machine(device))
    say(f"preset {choice.preset}: {'; '.join(choice.reasons)} (--preset takes another)")
    return load_preset(choice.preset)


def estimated(
    model: str, version: "Version", preset: "Preset", device: str | None, *,
    steps: int | None = None,
) -> "Estimate":  # fmt: skip
    """What one of the two models will take."""
    from lowdiff.sampling.device import pick_accelerator
    from lowdiff.training.estimate import estimate_unet, estimate_vae

    accelerator, images = pick_accelerator(device), version.rows("train")
    if model == "vae":
        return estimate_vae(preset, images=images, accelerator=accelerator)
    return estimate_unet(preset, images=images, accelerator=accelerator, steps=steps)


def tell_plan(found: "Estimate", version: "Version") -> None:
    """Say what a run will take, before it starts."""
    times = found.images / max(version.rows("train"), 1)
    say(f"{found.in_words()}\n  each of {version.rows('train'):,} images is seen about {times:.0f} "
        "times")  # fmt: skip


def launch_for(found: "Estimate", device: str | None, accumulate: int, compiled: str) -> "Launch":
    """How the hardware is used; cuts batches where the GPU is too small for whole ones."""
    from typing import cast

    import torch

    from lowdiff.errors import InputError
    from lowdiff.sampling.device import pick_accelerator
    from lowdiff.training.launch import Launch
    from lowdiff.training.workers import join_workers

    if compiled not in ("off", "on", "graphs"):
        raise InputError(
            f"compile {compiled}", "is not known", reason="bad_compile", allowed="off, on, graphs"
        )
    workers = join_workers()
    accelerator = pick_accelerator(device)
    if accumulate == 0 and accelerator.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(accelerator.device)
        accumulate = found.parts(int(free * 0.9) * workers.count)
        if accumulate > 1:
            say(f"memory: each batch is computed in {accumulate} parts")
    return Launch(accumulate, cast(Any, compiled), workers, say)
