"""What the commands that draw share: their options, and how pictures are kept and told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from lowdiff.cli.output import emit, say

if TYPE_CHECKING:
    from PIL import Image

    from lowdiff.sampling.generator import Generator

STRENGTH_HELP = "0 keeps the picture, 1 keeps nothing of it."
Count = Annotated[int, typer.Option("--count", min=1, max=10_000, help="Pictures per prompt.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the first picture; the next is +1.")]
Guidance = Annotated[
    float, typer.Option("--guidance", help="1 is plain; more follows the prompt harder; 0 to 100.")
]
Steps = Annotated[int, typer.Option("--steps", help="Of the sampler: more is finer and slower.")]
SamplerName = Annotated[
    str,
    typer.Option(
        "--sampler",
        help="heun (default; two model calls a step), unipc or dpmpp_2m (one call, good with few "
        "steps), euler, ddim (--eta), ddpm (hundreds of steps, --noise-scale).",
    ),
]
Rescale = Annotated[
    float, typer.Option("--rescale", help="0 to 1; about 0.7 calms colours burnt by guidance.")
]
Eta = Annotated[float, typer.Option("--eta", help="0 to 1: noise that ddim adds on the way.")]
NoiseScale = Annotated[
    float, typer.Option("--noise-scale", help="Of the noise that ddpm adds; 0 gives blobs.")
]
Shift = Annotated[
    float,
    typer.Option(
        "--shift", help="Above 1 spends more steps on noise: for more than the trained size."
    ),
]
Weak = Annotated[
    int | None,
    typer.Option(
        "--weak",
        help="Lead away from the run's own snapshot after so many images instead of from no "
        "prompt (autoguidance): keeps more variety. Needs a preset that keeps snapshots.",
    ),
]
Batch = Annotated[int, typer.Option("--batch", min=1, help="Pictures drawn at once.")]
RunId = Annotated[
    str | None, typer.Option("--run", help="A denoiser run; default: the one finished last.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder; default: generated/<run> in the workspace.")
]
Device = Annotated[
    str | None, typer.Option("--device", help="cpu or cuda; default: a GPU where there is one.")
]


class Studio(NamedTuple):
    """A loaded generator and where its pictures go."""

    generator: "Generator"
    folder: Path


def open_studio(
    run: str | None, *, out: Path | None, device: str | None, weak: int | None = None
) -> Studio:
    """Find a finished run and load it."""
    from lowdiff.ops.project import open_project
    from lowdiff.sampling.find import find_run
    from lowdiff.sampling.load_generator import load_generator

    with open_project() as project:
        found = find_run(project.catalog, project.workspace, "unet", run)
        assert found.vae_dir is not None  # find_run sees to it for a denoiser
        generator = load_generator(found.folder, found.vae_dir, device=device, weak=weak)
        return Studio(generator, out or project.workspace.generated / found.run_id)


def tell_too_long(generator: "Generator", prompts: Sequence[str]) -> None:
    """Say which prompts are read only in part."""
    for prompt in generator.too_long(prompts):
        say(
            f"warning: the text encoder reads {generator.encoder.max_tokens} tokens, and this "
            f"prompt is longer; what comes after has no effect: “{prompt[:60]} …”"
        )


def keep(
    studio: Studio,
    pictures: "Sequence[Image.Image]",
    origins: Sequence[Mapping[str, object]],
    *,
    as_json: bool,
) -> None:
    """Write each picture with its origin, and tell its file."""
    from lowdiff.sampling.files import picture_path, save_picture

    for picture, told in zip(pictures, origins, strict=True):
        origin = {
            **told,
            "run": studio.generator.run_id,
            "dataset": studio.generator.dataset_digest,
            "size": f"{picture.width}x{picture.height}",
        }
        path = picture_path(studio.folder, origin)
        save_picture(picture, path, origin)
        emit({"file": str(path), **origin}, as_json=as_json, text=str(path))
