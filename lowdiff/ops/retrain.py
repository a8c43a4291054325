"""What `retrain` has to know: what the newest model was trained on, and what is different now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lowdiff.catalog.tables import DatasetVersion
from lowdiff.catalog.versions import newest_run
from lowdiff.datasets.diff import Diff, diff_versions
from lowdiff.datasets.find import open_dataset
from lowdiff.datasets.read import open_version
from lowdiff.evaluation.metrics import compare_figure, find_metrics
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


TOLD = (
    "reconstruction.psnr_db", "denoising.validation", "retrieval.top10",
    "distribution.self.mind", "distribution.random.mind", "copies.rate",
)  # fmt: skip


def figures_of(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """A line for each figure worth comparing between two models.

    Of figures that mean something else for each, such as losses in the latent spaces of two
    autoencoders, only the new one is told.
    """
    lines = []
    for metric in find_metrics(TOLD):
        change = compare_figure(metric, after, before or {})
        if change.new is None:
            continue
        line = f"  {metric.path:<28} "
        if change.old is None:
            lines.append(f"{line}{change.new:.3f}")
        elif change.outcome == "unknown":
            lines.append(f"{line}{change.new:.3f} (not comparable: {change.why})")
        else:
            lines.append(f"{line}{change.old:.3f} → {change.new:.3f} ({change.outcome})")
    return lines
