"""Where everything comes from: ids, versions, times, licences."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from lowdiff import __version__
from lowdiff.catalog.tables import Artifact
from lowdiff.report.inputs import Inputs
from lowdiff.report.run_folder import finite, read_json
from lowdiff.report.sections.corpus import Corpus, Licence
from lowdiff.report.sections.dataset import Dataset
from lowdiff.report.sections.training import Training

TIMINGS_FILE = "timings.json"
MEMORY_FILE = "memory.json"


@dataclass(frozen=True)
class Provenance:
    """What to write down when somebody asks where an image comes from."""

    ids: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    timings: tuple[tuple[str, float], ...]
    """(step, seconds), in the order of the road."""
    memory: tuple[tuple[str, float], ...]
    """(group of processes, the most bytes that it held at once)."""
    licences: tuple[Licence, ...]


def gather_provenance(
    inputs: Inputs,
    *,
    corpus: Corpus,
    dataset: Dataset,
    training: Training,
    timings: Mapping[str, float] | None,
) -> Provenance:
    """Collect ids and times; `timings` wins over `<workspace>/timings.json`."""
    ids = [("Label schema", inputs.schema.version)]
    if dataset.newest is not None:
        ids.append((f"Dataset {dataset.newest.row.label}, digest", dataset.newest.row.digest))
    for run in training.shown:
        ids.append((f"{run.name} run", run.id))
        ids.append((f"{run.name} trained on {run.dataset}, digest", run.dataset_digest))
        if run.parent_run_id:
            ids.append((f"{run.name} goes on from", run.parent_run_id))
    newest = training.unet or training.vae
    return Provenance(
        ids=tuple(ids),
        versions=(("this page", f"lowdiff {__version__}"), *(newest.environment if newest else ())),
        timings=_timings(inputs, training, timings),
        memory=tuple((name, mb * 1e6) for name, mb in _numbers(inputs, MEMORY_FILE)),
        licences=corpus.licences,
    )


def _timings(
    inputs: Inputs, training: Training, given: Mapping[str, float] | None
) -> tuple[tuple[str, float], ...]:
    """What a flow measured; without that, what the artefacts say of themselves."""
    known = _numbers(inputs, TIMINGS_FILE) if given is None else tuple(given.items())
    return known or (*_stage_seconds(inputs), *_run_seconds(training))


def _numbers(inputs: Inputs, file: str) -> tuple[tuple[str, float], ...]:
    """The numbers in a JSON object of the workspace, in its order."""
    record = read_json(inputs.workspace.root / file)
    numbers = {name: finite(record, name) for name in record}
    return tuple((name, number) for name, number in numbers.items() if number is not None)


def _stage_seconds(inputs: Inputs) -> tuple[tuple[str, float], ...]:
    query = (
        select(Artifact.stage, func.sum(Artifact.seconds))
        .where(Artifact.seconds.is_not(None))
        .group_by(Artifact.stage)
        .order_by(Artifact.stage)
    )
    with inputs.catalog.read() as session:
        return tuple(
            (f"{stage} (working time of all images)", float(seconds or 0.0))
            for stage, seconds in session.execute(query)
        )


def _run_seconds(training: Training) -> tuple[tuple[str, float], ...]:
    return tuple(
        (f"training of the {run.name}", run.seconds)
        for run in training.shown
        if run.seconds is not None
    )
