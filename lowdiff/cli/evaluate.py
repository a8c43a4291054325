"""`lowdiff evaluate`: how good a run is, beside what would be nothing and what would be perfect."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit, progress, say

if TYPE_CHECKING:  # torch takes a while to import
    from lowdiff.evaluation.metrics import Metric


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
    space: Annotated[
        list[str] | None,
        typer.Option(
            "--space",
            help="One more feature space: tower, hub:<model id or folder>, inception[:<weights>].",
        ),
    ] = None,
    promote_on: Annotated[
        str | None,
        typer.Option(
            help="Metrics that the run must beat the promoted one on, such as "
            "retrieval.top10,distribution.self.mind; default: the setting of this name."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Measure again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a run: reconstructions, denoising, drawn prompts, copies; and promote or hold it.

    A run that was measured with the same settings is not measured again. Distances are told in two
    feature spaces, with 95 % intervals; read them beside their floor, and beside the copies.

    Example: `lowdiff evaluate --promote-on retrieval.top10 --json | jq .verdict`
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
            spaces=space or (),
            promote_on=None if promote_on is None else split_names(promote_on),
            stage=say,
            advance=advance,
        )
    shown = {key: value for key, value in record.items() if key != "generated"}
    emit(
        shown | {"folder": str(folder), "drawings": len(record.get("generated", []))},
        as_json=as_json,
        text=in_words(record),
    )


def split_names(text: str) -> list[str]:
    """`a, b` as a list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def in_words(record: Mapping[str, Any]) -> str:
    """The evaluation as a table for people."""
    data = record["dataset"]
    heads = ("this run", "floor", "ceiling", "95 % interval", "images")
    lines = [
        f"{record['run_id']} on {data['name']}@{data['version']}, {record['seconds']} s",
        f"  {'':<34}" + "".join(f"{head:>{w}}" for head, w in zip(heads, WIDTHS, strict=True)),
    ]
    lines += [row for row in map(partial(_row, record), _shown(record)) if row]
    lines += [f"  {name}: skipped, {why}" for name, why in _skipped(record)]
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


WIDTHS = (10, 10, 10, 18, 8)
NOT_SHOWN = ("retrieval.top5", "denoising.validation")


def _shown(record: Mapping[str, Any]) -> "list[Metric]":
    from lowdiff.evaluation.metrics import metrics_of

    return [metric for metric in metrics_of([record]) if metric.path not in NOT_SHOWN]


def _row(record: Mapping[str, Any], metric: "Metric") -> str | None:
    from lowdiff.evaluation.metrics import count, figure, interval

    value = figure(record, metric.path)
    if value is None:
        return None
    part, key = metric.path.rsplit(".", 1)
    floor, ceiling = (figure(record, f"{part}.{end}.{key}") for end in ("floor", "ceiling"))
    known = interval(record, metric)
    between = f"{_number(known[0])} … {_number(known[1])}" if known else ""
    cells = (_number(value), _number(floor), _number(ceiling), between, str(count(record, metric)))
    return f"  {metric.title:<34}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True)
    )


def _skipped(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    parts = ("lettering", "spelling", "labels", "zero_shot")
    found = [(name, (record.get(name) or {}).get("skipped")) for name in parts]
    found.append(("lpips", (record.get("reconstruction") or {}).get("lpips_skipped")))
    return [(name, why) for name, why in found if why]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
