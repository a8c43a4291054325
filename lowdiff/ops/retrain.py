"""What `retrain` has to know: what the newest model was trained on, and what is different now."""

from dataclasses import dataclass
from typing import Any

from lowdiff.catalog.tables import DatasetVersion
from lowdiff.catalog.versions import newest_run
from lowdiff.datasets.diff import Diff, diff_versions
from lowdiff.datasets.find import open_dataset
from lowdiff.datasets.read import open_version
from lowdiff.ops.project import Project

SHOWN_CHANGES = 10


@dataclass(frozen=True)
class NewestModel:
    """The denoiser that finished last, and the version it saw."""

    run_id: str
    vae_run_id: str | None
    preset: str
    dataset_digest: str


def newest_model(project: Project) -> NewestModel | None:
    """The model that a retraining starts from; None when none was trained yet."""
    with project.catalog.read() as session:
        run = newest_run(session, "unet")
        if run is None:
            return None
        return NewestModel(run.id, run.vae_run_id, run.preset, run.dataset_digest)


def changes_since(project: Project, digest: str) -> Diff:
    """What came, went and changed between a version and the newest one."""
    with project.catalog.read() as session:
        path = session.get_one(DatasetVersion, digest).path
    newest = open_dataset(project.catalog, project.workspace, project.settings.dataset_name)
    return diff_versions(open_version(project.workspace.root / path), newest)


def in_words(diff: Diff) -> list[str]:
    """A few lines for people: counts, then the first changes."""
    if diff.is_empty:
        return ["no image came, went or changed"]
    summary = diff.summary()
    lines = [
        f"{summary['added']} images came, {summary['removed']} went, "
        f"{summary['changed_images']} changed"
    ]
    lines += [f"  gone: {image_id[:12]}" for image_id in diff.removed[:SHOWN_CHANGES]]
    told = [change for change in diff.changed if change.old != change.new]
    for change in told[:SHOWN_CHANGES]:
        lines.append(
            f"  {change.image_id[:12]} {change.column}: {change.old!r} → {change.new!r}"
            + (" (a person)" if change.by_human else "")
        )
    confirmed = sum(change.by_human and change.old == change.new for change in diff.changed)
    if confirmed:
        lines.append(f"  {confirmed} drafts were confirmed by people")
    return lines


def figures_of(evaluation: dict[str, Any]) -> dict[str, float]:
    """The figures worth comparing between two models."""
    paths = ("reconstruction.psnr_db", "denoising.validation", "retrieval.top10", "copies.rate")
    found: dict[str, float] = {}
    for path in paths:
        part, key = path.split(".")
        value = (evaluation.get(part) or {}).get(key)
        if value is not None:
            found[path] = float(value)
    return found
