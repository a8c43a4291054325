"""`lowdiff generate`: prompts in, PNG files out."""

from typing import Annotated

import typer

from lowdiff.cli import drawing
from lowdiff.cli.output import AsJson, progress


def generate(
    prompts: Annotated[list[str], typer.Argument(help="One or more prompts.")],
    count: drawing.Count = 1,
    seed: drawing.Seed = 0,
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size",
            help="Side in pixels, or width x height such as 128x96; several times for several "
            "sizes. Default: as trained.",
        ),
    ] = None,
    between: Annotated[
        int | None,
        typer.Option(
            "--between",
            help="Walk from the first prompt to the second in so many pictures, both ends among "
            "them; the noise walks from --seed to the next seed. One prompt walks between seeds.",
        ),
    ] = None,
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
    """Draw pictures from prompts; each PNG carries its prompt, seed, run, dataset and settings.

    The same prompt, seed and settings give the same picture on the same machine.

    Examples:

    `lowdiff generate "a raccoon" --count 4 --guidance 2`

    `lowdiff generate "a red circle" "a blue square" --size 64 --size 128x96`

    `lowdiff generate "a red circle" "a blue square" --between 8`
    """
    from lowdiff.sampling.pictures import parse_size
    from lowdiff.sampling.settings import Sampling

    how = Sampling(
        sampler, steps=steps, guidance=guidance, rescale=rescale, eta=eta,
        noise_scale=noise_scale, shift=shift,
    )  # fmt: skip
    sizes = [parse_size(one) for one in size] if size else [None]
    if between is not None and len(prompts) > 2:
        raise typer.BadParameter("takes one or two prompts", param_hint="--between")
    studio = drawing.open_studio(run, out=out, device=device, weak=weak)
    drawing.tell_too_long(studio.generator, prompts)
    for wanted in sizes:
        if between is not None:
            ends = (prompts[0], prompts[-1])
            with progress("generate", between) as advance:
                pictures = studio.generator.interpolate(
                    ends, seeds=(seed, seed + 1), frames=between, how=how, size_px=wanted,
                    batch_size=batch, advance=advance,
                )  # fmt: skip
            told = {"mode": "between", "prompt": ends[0], "to_prompt": ends[1]} | how.origin()
            origins = [
                {**told, "seed": seed, "to_seed": seed + 1, "share": round(i / (between - 1), 4)}
                for i in range(between)
            ]
        else:
            rows = [(prompt, seed + i) for prompt in prompts for i in range(count)]
            with progress("generate", len(rows)) as advance:
                pictures = studio.generator.generate(
                    [prompt for prompt, _ in rows],
                    seeds=[picked for _, picked in rows],
                    how=how, size_px=wanted, batch_size=batch, advance=advance,
                )  # fmt: skip
            origins = [
                {"mode": "generate", "prompt": prompt, "seed": picked} | how.origin()
                for prompt, picked in rows
            ]
        drawing.keep(studio, pictures, origins, as_json=as_json)
