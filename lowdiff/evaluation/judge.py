"""Promote or hold: a run against the one that is promoted now, on the same dataset version."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import Run
from lowdiff.datasets.read import Version
from lowdiff.evaluation.evaluate import evaluate_run
from lowdiff.evaluation.files import place_of
from lowdiff.evaluation.metrics import find_metrics
from lowdiff.evaluation.verdict import PROMOTE, Verdict, compare
from lowdiff.sampling.run_folder import CONFIG_FILE, read_json
from lowdiff.training.runs import write_json
from lowdiff.workspace import Workspace


def promoted_run(
    catalog: Catalog, workspace: Workspace, kind: str, *, before: str | None = None
) -> Path | None:
    """The folder of the run of a kind that was promoted last; None while there is none.

    Args:
        before: a run id; only runs that finished before it count.
    """
    with catalog.read() as session:
        query = select(Run).where(Run.kind == kind, Run.state == "done")
        rows = list(session.scalars(query.order_by(Run.finished_at.desc(), Run.id.desc())))
    if before is not None:
        ids = [row.id for row in rows]
        rows = rows[ids.index(before) + 1 :] if before in ids else rows
    for row in rows:
        folder = workspace.root / row.path
        if _is_promoted(folder):
            return folder
    return None


def judge_run(
    run_dir: Path,
    version: Version,
    *,
    catalog: Catalog,
    workspace: Workspace,
    measure: Callable[[Path], dict[str, Any]] | None = None,
    promote_on: Sequence[str] = (),
) -> dict[str, Any]:
    """Compare a measured run with the promoted one, and keep the verdict with its figures.

    Where the promoted run was measured on another dataset version, it is measured on this one
    first: figures of different images cannot be compared.

    Args:
        measure: measures a run on `version`; default: `evaluate_run` with its defaults.
        promote_on: metrics that the run must beat the promoted one on; see `verdict.compare`.

    Returns:
        The evaluation of the run, with `verdict`: `decision`, `incumbent`, `reasons`,
        `promote_on`.

    Raises:
        InputError: a metric is not known.
    """
    find_metrics(promote_on)  # before anything is measured

    def by_default(folder: Path) -> dict[str, Any]:
        return evaluate_run(folder, version, cache=workspace.cache)

    measure = measure or by_default
    record = measure(run_dir)
    incumbent = promoted_run(catalog, workspace, record["kind"], before=run_dir.name)
    known = None if incumbent is None else measure(incumbent)
    verdict: Verdict = compare(record, known, promote_on=promote_on)
    record = record | {"verdict": verdict.as_dict()}
    write_json(place_of(run_dir, version.digest).record, record)
    return record


def _is_promoted(folder: Path) -> bool:
    """True when the run's evaluation on its own dataset version says so."""
    if not (folder / CONFIG_FILE).is_file():
        return False
    own = read_json(folder / CONFIG_FILE)["dataset"]["digest"]
    record = place_of(folder, own).read() or {}
    return bool(record.get("verdict", {}).get("decision") == PROMOTE)
