"""Evaluate a run of this workspace on the dataset version it was trained on, and judge it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lowdiff.datasets.find import open_dataset, parse_reference
from lowdiff.datasets.read import Version
from lowdiff.errors import InputError, ServiceError
from lowdiff.evaluation.evaluate import Drawing, Watch, evaluate_run
from lowdiff.evaluation.judge import judge_run
from lowdiff.evaluation.lettering import ReadPicture, reading_with
from lowdiff.evaluation.metrics import find_metrics
from lowdiff.ocr.open import reader_of
from lowdiff.ops.project import Project
from lowdiff.sampling.find import FoundRun, find_run
from lowdiff.sampling.run_folder import CONFIG_FILE, read_json
from lowdiff.settings import Settings


def evaluate_project_run(
    project: Project,
    *,
    run: str | None = None,
    dataset: str | None = None,
    drawing: Drawing,
    device: str | None = None,
    force: bool = False,
    spaces: Sequence[str] = (),
    promote_on: Sequence[str] | None = None,
    stage: Callable[[str], None] = lambda _what: None,
    advance: Callable[[int], None] = lambda _number: None,
) -> tuple[Path, dict[str, Any]]:
    """Measure a run once, compare it with the promoted one, and remember the verdict.

    Args:
        run: id of a run; default: the newest denoiser.
        dataset: `name`, `name@3` or `3`; default: the version that the run was trained on.
        force: measure again what was measured before.
        spaces: feature spaces besides `self` and `random`; see `evaluation.spaces`.
        promote_on: metrics that it must beat the promoted one on; default: those of the settings.
        stage: told what is being measured.
        advance: told how many drawings were made.

    Returns:
        The run's folder and its evaluation, as `evaluation.json` holds it.

    Raises:
        InputError: there is no such run, dataset version, metric or feature space.
    """
    named = project.settings.promote_on if promote_on is None else tuple(promote_on)
    find_metrics(named)
    found = find_project_run(project, run)
    version = version_of(project, found, dataset)
    read = reader_at_hand(project.settings)

    def measure(folder: Path) -> dict[str, Any]:
        return evaluate_run(
            folder,
            version,
            cache=project.workspace.cache,
            drawing=drawing,
            device=device,
            force=force and folder == found.folder,
            spaces=spaces,
            read=read,
            watch=Watch(stage=lambda what: stage(f"{folder.name}: {what}"), advance=advance),
        )

    record = judge_run(
        found.folder,
        version,
        catalog=project.catalog,
        workspace=project.workspace,
        measure=measure,
        promote_on=named,
    )
    return found.folder, record


def find_project_run(project: Project, run: str | None) -> FoundRun:
    """A finished run by its id, whatever its kind; by default the newest denoiser."""
    kind = "vae" if run is not None and run.startswith("vae-") else "unet"
    return find_run(project.catalog, project.workspace, kind, run)


def version_of(project: Project, run: FoundRun, dataset: str | None) -> Version:
    """A dataset version by its name; by default the one that the run was trained on."""
    data = read_json(run.folder / CONFIG_FILE)["dataset"]
    name, number = data["name"], data["version"]
    if dataset is not None:
        name, number = parse_reference(dataset, default_name=project.settings.dataset_name)
    return open_dataset(project.catalog, project.workspace, name, number)


def reader_at_hand(settings: Settings) -> ReadPicture | None:
    """Reads the text in pictures; None where the engines of the settings are not installed."""
    try:
        return reading_with(reader_of(settings))
    except (ServiceError, InputError):  # an evaluation without letters is better than none
        return None
