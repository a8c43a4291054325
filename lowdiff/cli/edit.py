"""`lowdiff edit` and `lowdiff inpaint`: pictures in, changed pictures out."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from lowdiff.cli import drawing
from lowdiff.cli.output import AsJson, progress

Picture = Annotated[Path, typer.Argument(help="PNG, JPEG, WebP or GIF.", metavar="IMAGE")]
WorkSize = Annotated[
    str | None,
    typer.Option(
        "--size",
        help="Width x height to work at, such as 128x96. Default: the picture's shape at the area "
        "that the model was trained at.",
    ),
]


def edit(
    image: Picture,
    prompt: Annotated[
        str, typer.Argument(help="What it is to show; none: variations of the picture.")
    ] = "",
    strength: Annotated[float, typer.Option(help=drawing.STRENGTH_HELP)] = 0.6,
    count: drawing.Count = 1,
    seed: drawing.Seed = 0,
    size: WorkSize = None,
    guidance: drawing.Guidance = 2.0,
    steps: drawing.Steps = 20,
    sampler: drawing.SamplerName = "heun",
    rescale: drawing.Rescale = 0.0,
    eta: drawing.Eta = 0.0,
    noise_scale: drawing.NoiseScale = 1.0,
    shift: drawing.Shift = 1.0,
    weak: drawing.Weak = None,
    batch: drawing.Batch = 32,
    run: drawing.RunId = None,
    out: drawing.Out = None,
    device: drawing.Device = None,
    as_json: AsJson = False,
) -> None:
    """Draw a picture again under a prompt, or vary it when there is none.

    Noise is laid over the picture and drawn away again: with little (--strength 0.3) shapes and
    colours stay, with much (0.8) hardly anything. Strength 0 shows what the autoencoder alone makes
    of the picture.

    Examples:

    `lowdiff edit fox.png "a raccoon" --strength 0.6 --count 4`

    `lowdiff edit fox.png --strength 0.4 --count 8` (variations)
    """
    from lowdiff.sampling.pictures import parse_size, read_picture
    from lowdiff.sampling.settings import Sampling, check_strength

    how = Sampling(
        sampler, steps=steps, guidance=guidance, rescale=rescale, eta=eta,
        noise_scale=noise_scale, shift=shift,
    )  # fmt: skip
    check_strength(strength)
    source, wanted = read_picture(image), parse_size(size) if size else None
    studio = drawing.open_studio(run, out=out, device=device, weak=weak)
    drawing.tell_too_long(studio.generator, [prompt])
    seeds = range(seed, seed + count)
    with progress("edit", count) as advance:
        pictures = studio.generator.edit(
            source, [prompt] * count, seeds=seeds, strength=strength, how=how, size_px=wanted,
            batch_size=batch, advance=advance,
        )  # fmt: skip
    told = {"mode": "edit" if prompt else "variation", "prompt": prompt} | how.origin()
    told |= {"strength": strength, "source": _digest(image)}
    drawing.keep(studio, pictures, [{**told, "seed": one} for one in seeds], as_json=as_json)


def inpaint(
    image: Picture,
    mask: Annotated[
        Path, typer.Argument(help="Of the picture's size: white is painted anew, black stays.")
    ],
    prompt: Annotated[str, typer.Argument(help="What the whole picture is to show.")] = "",
    strength: Annotated[
        float, typer.Option(help="1 paints the hole from noise; less keeps something of it.")
    ] = 1.0,
    rounds: Annotated[
        int,
        typer.Option(
            min=1,
            max=50,
            help="More makes the inside agree better with the outside; so many "
            "times slower. A model trained with --inpaint needs one only.",
        ),
    ] = 4,
    count: drawing.Count = 1,
    seed: drawing.Seed = 0,
    size: WorkSize = None,
    guidance: drawing.Guidance = 2.0,
    steps: drawing.Steps = 20,
    sampler: drawing.SamplerName = "euler",
    rescale: drawing.Rescale = 0.0,
    eta: drawing.Eta = 0.0,
    noise_scale: drawing.NoiseScale = 1.0,
    shift: drawing.Shift = 1.0,
    weak: drawing.Weak = None,
    batch: drawing.Batch = 32,
    run: drawing.RunId = None,
    out: drawing.Out = None,
    device: drawing.Device = None,
    as_json: AsJson = False,
) -> None:
    """Paint the white part of a mask anew; every other pixel stays exactly as it is.

    The result has the picture's own size, whatever the model works at.

    Example: `lowdiff inpaint poster.png hole.png "a raccoon" --count 4`
    """  # fmt: skip
    from lowdiff.sampling.pictures import parse_size, read_mask, read_picture
    from lowdiff.sampling.settings import Sampling, check_strength

    how = Sampling(
        sampler, steps=steps, guidance=guidance, rescale=rescale, eta=eta,
        noise_scale=noise_scale, shift=shift,
    )  # fmt: skip
    check_strength(strength)
    source = read_picture(image)
    hole, wanted = read_mask(mask, source), parse_size(size) if size else None
    studio = drawing.open_studio(run, out=out, device=device, weak=weak)
    drawing.tell_too_long(studio.generator, [prompt])
    seeds = range(seed, seed + count)
    with progress("inpaint", count) as advance:
        pictures = studio.generator.inpaint(
            source, hole, [prompt] * count, seeds=seeds, strength=strength, rounds=rounds, how=how,
            size_px=wanted, batch_size=batch, advance=advance,
        )  # fmt: skip
    told = {"mode": "inpaint", "prompt": prompt} | how.origin()
    told |= {"strength": strength, "rounds": rounds}
    told |= {"source": _digest(image), "mask": _digest(mask)}
    drawing.keep(studio, pictures, [{**told, "seed": one} for one in seeds], as_json=as_json)


def _digest(path: Path) -> str:
    """The file that was changed, so that a result can be traced to it."""
    return sha256(path.read_bytes()).hexdigest()
