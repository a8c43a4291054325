"""`lowdiff evaluate`: how good a run is, beside what would be nothing and what would be perfect."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit, progress, say


def evaluate(
    run: Annotated[
        str | None, typer.Option(help="Run id, unet-… or vae-…; default: the newest unet.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="name, name@3 or 3; default: the version that the run was trained on."),
    ] = None,
    prompts: Annotated[int, typer.Option(min=1, help="Held-out captions to draw.")] = 64,
    steps: Annotated[int, typer.Option(min=1, help="Sampler steps of a drawing.")] = 12,
    guidance: Annotated[float, typer.Option(min=0, help="1 is the plain model.")] = 2.0,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; default: a GPU where there is one.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Measure again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a run: reconstructions, denoising, drawn prompts, copies; and promote or hold it.

    A run that was measured with the same settings is not measured again.

    Example: `lowdiff evaluate --json | jq .verdict`
    """
    from lowdiff.evaluation.evaluate import Drawing
    from lowdiff.ops.evaluation import evaluate_project_run
    from lowdiff.ops.project import open_project

    with open_project() as project, progress("evaluate: drawings", prompts) as advance:
        folder, record = evaluate_project_run(
            project,
            run=run,
            dataset=dataset,
            drawing=Drawing(
                prompts=prompts, seed=project.settings.seed, steps=steps, guidance=guidance
            ),
            device=device,
            force=force,
            stage=say,
            advance=advance,
        )
    shown = {key: value for key, value in record.items() if key != "generated"}
    emit(
        shown | {"folder": str(folder), "drawings": len(record.get("generated", []))},
        as_json=as_json,
        text=in_words(record),
    )


FIGURES = (
    ("reconstruction", "psnr_db", "PSNR of held-out images, dB"),
    ("reconstruction", "ssim", "SSIM of held-out images"),
    ("retrieval", "top1", "own prompt first"),
    ("retrieval", "top10", "own prompt among 10"),
    ("retrieval", "mrr", "mean of 1 / rank of own prompt"),
    ("distribution", "mind", "MIND to training images"),
    ("distribution", "kid", "KID to training images"),
    ("copies", "rate", "copies of a training image"),
)


def in_words(record: Mapping[str, Any]) -> str:
    """The evaluation as a table for people."""
    data = record["dataset"]
    lines = [
        f"{record['run_id']} on {data['name']}@{data['version']}, {record['seconds']} s",
        f"  {'':<32}{'this run':>10}{'floor':>10}{'ceiling':>10}{'images':>8}",
    ]
    for part, key, title in FIGURES:
        figures = record.get(part)
        if figures:
            floor, ceiling = (figures.get(end, {}).get(key) for end in ("floor", "ceiling"))
            numbers = "".join(f"{_number(v):>10}" for v in (figures[key], floor, ceiling))
            lines.append(f"  {title:<32}{numbers}{figures['n']:>8}")
    denoising = record.get("denoising")
    if denoising:
        lines.append(
            f"  denoising loss: {_number(denoising['train'])} of {denoising['n_train']} training, "
            f"{_number(denoising['validation'])} of {denoising['n_validation']} validation images"
        )
    if record.get("seen_prompts"):
        lines.append(f"  {record['seen_prompts']} prompts are captions of training images")
    verdict = record["verdict"]
    against = f" against {verdict['incumbent']}" if verdict["incumbent"] else ""
    lines += [f"  verdict: {verdict['decision']}{against}"]
    lines += [f"    {reason}" for reason in verdict["reasons"]]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
