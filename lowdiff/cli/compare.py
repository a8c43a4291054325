"""`lowdiff compare`: runs side by side on one page."""

from pathlib import Path
from typing import Annotated

import typer

from lowdiff.cli.output import AsJson, emit, progress, say


def compare(
    runs: Annotated[list[str], typer.Argument(help="Two or more run ids, all unet-… or all vae-…")],
    dataset: Annotated[
        str | None,
        typer.Option(help="name, name@3 or 3; default: the version of the first run."),
    ] = None,
    prompts: Annotated[int, typer.Option(min=2, help="Held-out captions to draw.")] = 64,
    steps: Annotated[int, typer.Option(min=1, help="Sampler steps of a drawing.")] = 12,
    guidance: Annotated[float, typer.Option(min=0, help="1 is the plain model.")] = 2.0,
    sampler: Annotated[str, typer.Option(help="The same for all runs.")] = "heun",
    space: Annotated[
        list[str] | None,
        typer.Option("--space", help="One more feature space; see `lowdiff evaluate --help`."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; default: compare.html in the workspace.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; default: a GPU where there is one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure runs alike and show them side by side: same prompts, same seeds, one page.

    Every figure stands beside what nothing and what real images reach, with its 95 % interval; what
    chance can explain is called a tie. What was measured before is not measured again.

    Example: `lowdiff compare unet-1f0c5a3b2d9e unet-77ab01c3d4e5`
    """
    from lowdiff.evaluation.evaluate import Drawing
    from lowdiff.ops.comparison import compare_runs
    from lowdiff.ops.project import open_project

    with open_project() as project, progress("drawings", prompts * len(set(runs))) as advance:
        path, comparison = compare_runs(
            project,
            runs,
            dataset=dataset,
            drawing=Drawing(
                prompts=prompts,
                seed=project.settings.seed,
                steps=steps,
                guidance=guidance,
                sampler=sampler,
            ),
            spaces=space or (),
            device=device,
            out=out,
            stage=say,
            advance=advance,
        )
    emit({"page": str(path), **comparison.as_dict()}, as_json=as_json, text=str(path))
