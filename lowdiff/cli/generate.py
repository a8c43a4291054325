"""`lowdiff generate`: prompts in, PNG files out."""

from pathlib import Path
from typing import Annotated

import typer

from lowdiff.cli.output import AsJson, emit, progress


def generate(
    prompts: Annotated[list[str], typer.Argument(help="One or more prompts.")],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Pictures per prompt.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first picture; the next is +1.")] = 0,
    guidance: Annotated[
        float, typer.Option(min=0, max=20, help="1 is plain; more follows the prompt harder.")
    ] = 2.0,
    steps: Annotated[int, typer.Option(min=1, max=1000, help="Of the sampler.")] = 20,
    size: Annotated[
        int | None, typer.Option(min=8, max=4096, help="Side in pixels; default: as trained.")
    ] = None,
    sampler: Annotated[str, typer.Option(help="heun or euler.")] = "heun",
    run: Annotated[
        str | None, typer.Option(help="A denoiser run; default: the one finished last.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder; default: generated/<run> in the workspace.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; default: a GPU where there is one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draw pictures; each PNG carries its prompt, seed, run and dataset.

    Example: `lowdiff generate "a raccoon" --count 4 --guidance 2`
    """
    from lowdiff.ops.project import open_project
    from lowdiff.sampling.files import picture_path, save_picture
    from lowdiff.sampling.find import find_run
    from lowdiff.sampling.generator import load_generator

    with open_project() as project:
        found = find_run(project.catalog, project.workspace, "unet", run)
        assert found.vae_dir is not None  # find_run sees to it for a denoiser
        generator = load_generator(found.folder, found.vae_dir, device=device)
        folder = out or project.workspace.generated / found.run_id
    wanted = [(prompt, seed + i) for prompt in prompts for i in range(count)]
    with progress("generate", len(wanted)) as advance:
        pictures = generator.generate(
            [prompt for prompt, _ in wanted],
            seeds=[picked for _, picked in wanted],
            steps=steps,
            guidance=guidance,
            size_px=size,
            sampler=sampler,
            advance=advance,
        )
    for (prompt, picked), picture in zip(wanted, pictures, strict=True):
        origin = {
            "prompt": prompt,
            "seed": picked,
            "run": generator.run_id,
            "dataset": generator.dataset_digest,
            "guidance": guidance,
            "steps": steps,
            "sampler": sampler,
            "size_px": picture.width,
        }
        path = picture_path(folder, origin)
        save_picture(picture, path, origin)
        emit({"file": str(path), **origin}, as_json=as_json, text=str(path))
