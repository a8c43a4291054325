"""Evaluate a run of this workspace on the dataset version it was trained on, and judge it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lowdiff.datasets.find import open_dataset, parse_reference
from lowdiff.evaluation.evaluate import Drawing, Watch, evaluate_run
from lowdiff.evaluation.judge import judge_run
from lowdiff.ops.project import Project
from lowdiff.sampling.find import find_run
from lowdiff.sampling.run_folder import CONFIG_FILE, read_json


def evaluate_project_run(
    project: Project,
    *,
    run: str | None = None,
    dataset: str | None = None,
    drawing: Drawing,
    device: str | None = None,
    force: bool = False,
    stage: Callable[[str], None] = lambda _what: None,
    advance: Callable[[int], None] = lambda _number: None,
) -> tuple[Path, dict[str, Any]]:
    """Measure a run once, compare it with the promoted one, and remember the verdict.

    Args:
        run: id of a run; default: the newest denoiser.
        dataset: `name`, `name@3` or `3`; default: the version that the run was trained on.
        force: measure again what was measured before.
        stage: told what is being measured.
        advance: told how many drawings were made.

    Returns:
        The run's folder and its evaluation, as `evaluation.json` holds it.
    """
    kind = "vae" if run is not None and run.startswith("vae-") else "unet"
    found = find_run(project.catalog, project.workspace, kind, run)
    data = read_json(found.folder / CONFIG_FILE)["dataset"]
    name, number = data["name"], data["version"]
    if dataset is not None:
        name, number = parse_reference(dataset, default_name=project.settings.dataset_name)
    version = open_dataset(project.catalog, project.workspace, name, number)

    def measure(folder: Path) -> dict[str, Any]:
        return evaluate_run(
            folder,
            version,
            cache=project.workspace.cache,
            drawing=drawing,
            device=device,
            force=force and folder == found.folder,
            watch=Watch(stage=lambda what: stage(f"{folder.name}: {what}"), advance=advance),
        )

    record = judge_run(
        found.folder,
        version,
        catalog=project.catalog,
        workspace=project.workspace,
        measure=measure,
    )
    return found.folder, record
