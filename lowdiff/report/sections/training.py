"""The training runs: how the losses fell, how fast it went, what the model drew along the way."""

import statistics
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.tables import DatasetVersion, Run
from lowdiff.pages.sheet import Picture
from lowdiff.report.gallery import show_file
from lowdiff.report.inputs import Inputs
from lowdiff.report.run_folder import (
    Point,
    finite,
    flat_settings,
    read_json,
    read_points,
    sample_files,
)

KINDS = ("vae", "unet")
SAMPLES_SHOWN = 4
SAMPLE_PX = 800
RUNS_LISTED = 20


@dataclass(frozen=True)
class Sample:
    """A grid drawn while the model was learning."""

    step: int
    picture: Picture


@dataclass(frozen=True)
class TrainingRun:
    """One run in full."""

    id: str
    kind: str
    preset: str
    state: str
    dataset: str
    dataset_digest: str
    vae_run_id: str | None
    parent_run_id: str | None
    folder: Path
    points: tuple[Point, ...]
    samples: tuple[Sample, ...]
    config: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    seconds: float | None
    images_per_s: float | None
    """Median over the log points."""
    images_seen: int | None
    steps: int | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def name(self) -> str:
        """`VAE` or `U-Net`."""
        return {"vae": "VAE", "unet": "U-Net"}.get(self.kind, self.kind)

    @property
    def best_val_loss(self) -> float | None:
        """The lowest validation loss."""
        return min((p.val_loss for p in self.points if p.val_loss is not None), default=None)

    @property
    def best_val_psnr_db(self) -> float | None:
        """The highest PSNR of held-out images."""
        return max((p.val_psnr_db for p in self.points if p.val_psnr_db is not None), default=None)


@dataclass(frozen=True)
class RunRow:
    """One run in the list of all."""

    id: str
    kind: str
    preset: str
    state: str
    dataset: str
    created_at: datetime
    seconds: float | None


@dataclass(frozen=True)
class Training:
    """The newest VAE and U-Net in full, and all runs in a list."""

    vae: TrainingRun | None
    unet: TrainingRun | None
    runs: tuple[RunRow, ...]

    @property
    def shown(self) -> tuple[TrainingRun, ...]:
        """The runs told in full, in the order of the road."""
        return tuple(run for run in (self.vae, self.unet) if run is not None)


def gather_training(inputs: Inputs) -> Training:
    """Choose the runs to tell of, then read their folders."""
    with inputs.catalog.read() as session:
        rows = list(session.scalars(select(Run).order_by(Run.created_at.desc(), Run.id)))
        datasets = _dataset_names(session)
        session.expunge_all()
    unet = _newest(rows, "unet")
    by_id = {row.id: row for row in rows}
    # the VAE that belongs to the U-Net, not a later one in whose space it cannot draw
    vae = by_id.get(unet.vae_run_id or "") if unet else None
    vae = vae or _newest(rows, "vae")
    return Training(
        vae=_read(inputs, vae, datasets) if vae else None,
        unet=_read(inputs, unet, datasets) if unet else None,
        runs=tuple(_row(row, datasets) for row in rows[:RUNS_LISTED]),
    )


def _dataset_names(session: Session) -> dict[str, str]:
    query = select(DatasetVersion.digest, DatasetVersion.name, DatasetVersion.version)
    return {row.digest: f"{row.name} v{row.version}" for row in session.execute(query)}


def _newest(rows: list[Run], kind: str) -> Run | None:
    """The run that finished last; before there is one, the one that was begun last."""
    of_kind = [row for row in rows if row.kind == kind]
    done = [row for row in of_kind if row.state == "done" and row.finished_at is not None]
    if done:
        return max(done, key=lambda row: (row.finished_at or row.created_at, row.id))
    return of_kind[0] if of_kind else None


def _row(row: Run, datasets: dict[str, str]) -> RunRow:
    return RunRow(
        id=row.id,
        kind=row.kind,
        preset=row.preset,
        state=row.state,
        dataset=datasets.get(row.dataset_digest, row.dataset_digest[:12]),
        created_at=row.created_at,
        seconds=_seconds(row.summary, ()),
    )


def _read(inputs: Inputs, row: Run, datasets: dict[str, str]) -> TrainingRun:
    folder = inputs.workspace.root / row.path
    points = read_points(folder / "metrics.jsonl")
    summary = read_json(folder / "run.json") | dict(row.summary or {})
    speeds = [point.images_per_s for point in points if point.images_per_s]
    return TrainingRun(
        id=row.id,
        kind=row.kind,
        preset=row.preset,
        state=row.state,
        dataset=datasets.get(row.dataset_digest, row.dataset_digest[:12]),
        dataset_digest=row.dataset_digest,
        vae_run_id=row.vae_run_id,
        parent_run_id=row.parent_run_id,
        folder=folder,
        points=points,
        samples=_samples(folder, row.kind),
        config=flat_settings(read_json(folder / "config.json")),
        environment=flat_settings(read_json(folder / "environment.json")),
        seconds=_seconds(summary, points),
        images_per_s=statistics.median(speeds) if speeds else None,
        images_seen=points[-1].images_seen if points else None,
        steps=points[-1].step if points else None,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _seconds(summary: dict[str, object] | None, points: tuple[Point, ...]) -> float | None:
    for key in ("train_s", "seconds", "elapsed_s"):
        value = finite(summary or {}, key)
        if value is not None:
            return value
    return next((p.elapsed_s for p in reversed(points) if p.elapsed_s is not None), None)


def _samples(folder: Path, kind: str) -> tuple[Sample, ...]:
    files = sample_files(folder)
    found = []
    for step, path in _spread(files, SAMPLES_SHOWN):
        what = "reconstructions" if kind == "vae" else "drawings"
        shown = show_file(path, longest_px=SAMPLE_PX, alt=f"Sheet of {what} at step {step:,}")
        if shown is not None:
            found.append(Sample(step, shown))
    return tuple(found)


def _spread(files: list[tuple[int, Path]], number: int) -> list[tuple[int, Path]]:
    """At most `number` of them, evenly spread, the first and the last among them."""
    if len(files) <= number:
        return files
    return [files[round(i * (len(files) - 1) / (number - 1))] for i in range(number)]
