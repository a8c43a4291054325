"""Flow: measure a run and say whether it is better than the promoted one."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.support import RETRIES, keep_table, main, shown_progress, workspace_path
from lowdiff.evaluation.evaluate import Drawing
from lowdiff.evaluation.metrics import METRICS, figure
from lowdiff.ops.evaluation import evaluate_project_run
from lowdiff.ops.project import open_project


@task(name="evaluate", **RETRIES)
def evaluate_one(workspace: Path, run: str | None, prompts: int) -> dict[str, Any]:
    """Reconstructions, denoising, drawn prompts, copies, verdict."""
    with (
        open_project(workspace) as project,
        shown_progress("Evaluating", prompts) as advance,
    ):
        folder, record = evaluate_project_run(
            project,
            run=run,
            drawing=Drawing(prompts=prompts, seed=project.settings.seed),
            advance=advance,
        )
    return {"folder": str(folder), **record}


@flow(name="evaluate-run")
def evaluate_run(
    run: str | None = None, prompts: int = 64, workspace: str | None = None
) -> dict[str, Any]:
    """Measure a run once; the same settings are not measured again.

    Args:
        run: id of a run; default: the newest denoiser.
        prompts: held-out captions to draw.
    """
    result = evaluate_one(workspace_path(workspace), run, prompts)
    figures = {metric.title: figure(result, metric.path) for metric in METRICS}
    shown: dict[str, Any] = {
        "run": result["run_id"],
        **{title: value for title, value in figures.items() if value is not None},
        "verdict": result["verdict"],
    }
    keep_table("evaluation", shown, "How good the run is")
    return result


if __name__ == "__main__":
    main(evaluate_run)
