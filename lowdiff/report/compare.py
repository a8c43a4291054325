"""Runs side by side: the same prompts and seeds, and every figure with its ends and its noise."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from lowdiff.datasets.read import Version
from lowdiff.evaluation.metrics import (
    Metric,
    compare_figure,
    count,
    ends,
    figure,
    interval,
    metrics_of,
)
from lowdiff.pages.environment import page_environment
from lowdiff.pages.sheet import Picture, picture
from lowdiff.pages.write import write_page
from lowdiff.report.gallery import show_file
from lowdiff.report.run_folder import finite, read_json

TEMPLATES = Path(__file__).parent / "templates"
PICTURE_PX = 192
MOST_PROMPTS = 48


@dataclass(frozen=True)
class Compared:
    """A run that was measured."""

    folder: Path
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """The figure of one run."""

    value: float | None
    between: tuple[float, float] | None
    """Its 95 % interval."""
    mark: str
    """`best`, `tie` (with the best), `worse`, or `` where there is nothing to compare."""
    why: str = ""
    """Why it cannot be compared with the best."""


@dataclass(frozen=True)
class Row:
    """One figure of all runs."""

    metric: Metric
    cells: tuple[Cell, ...]
    worst: float | None
    best: float | None
    images: int | None


@dataclass(frozen=True)
class Column:
    """One run."""

    run_id: str
    facts: dict[str, str]
    """What is told of a run in words, by name."""


@dataclass(frozen=True)
class Shown:
    """One prompt, its real image, and what every run draws from it."""

    prompt: str
    seed: int | None
    real: Picture | None
    drawn: tuple[Picture | None, ...]
    notes: tuple[str, ...]
    """Of each drawing: the place of its own prompt, and whether it is a copy."""


@dataclass(frozen=True)
class Comparison:
    """The page before it is a page."""

    kind: str
    dataset: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    facts: tuple[tuple[str, tuple[str, ...], bool], ...]
    """Name, one value a run, and whether they differ."""
    shown: tuple[Shown, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values: every figure of every run, and which are best."""
        runs = [column.run_id for column in self.columns]
        figures = {
            row.metric.path: {
                run: {"value": cell.value, "mark": cell.mark, "interval": cell.between}
                for run, cell in zip(runs, row.cells, strict=True)
            }
            | {"worst": row.worst, "best": row.best, "n": row.images}
            for row in self.rows
        }
        return {"dataset": self.dataset, "runs": runs, "figures": figures}


def make_comparison(compared: Sequence[Compared], version: Version) -> Comparison:
    """Lay measured runs side by side.

    Args:
        version: the dataset version that all were measured on.
    """
    records = [one.record for one in compared]
    columns = tuple(_column(one) for one in compared)
    names = list(dict.fromkeys(name for column in columns for name in column.facts))
    facts = [(name, tuple(column.facts.get(name, "–") for column in columns)) for name in names]
    kind = str(records[0]["kind"])
    return Comparison(
        kind=kind,
        dataset=f"{version.name}@{version.number}",
        columns=columns,
        rows=tuple(row for metric in metrics_of(records) if (row := _row(metric, records))),
        facts=tuple((name, values, len(set(values)) > 1) for name, values in facts),
        shown=_drawn(compared, version) if kind == "unet" else _redrawn(compared),
    )


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write the page; it opens offline.

    Raises:
        ServiceError: the file cannot be written.
    """
    template = page_environment(TEMPLATES).get_template("compare.html")
    write_page(path, template.render(comparison=comparison))


def _row(metric: Metric, records: Sequence[Mapping[str, Any]]) -> Row | None:
    values = [figure(record, metric.path) for record in records]
    known = [(value, at) for at, value in enumerate(values) if value is not None]
    if not known:
        return None
    first = (max if metric.higher_is_better else min)(known, key=lambda one: one[0])[1]
    differences = [compare_figure(metric, record, records[first]) for record in records]
    outcomes = [one.outcome for at, one in enumerate(differences) if at != first]
    alone = all(outcome in ("worse", "unknown") for outcome in outcomes)
    cells = []
    for at, (record, difference) in enumerate(zip(records, differences, strict=True)):
        mark = {"tie": "tie", "worse": "worse"}.get(difference.outcome, "")
        if at == first:
            mark = ("best" if "worse" in outcomes else "") if alone else "tie"
        why = difference.why if values[at] is not None and at != first else ""
        cells.append(Cell(values[at], interval(record, metric), mark, why))
    worst, best = ends(records[first], metric)
    return Row(metric, tuple(cells), worst, best, count(records[first], metric))


def _column(one: Compared) -> Column:
    config, run = read_json(one.folder / "config.json"), read_json(one.folder / "run.json")
    raw = config.get("training") or config.get("train")
    training: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    seconds = next((s for k in ("train_s", "seconds") if (s := finite(run, k)) is not None), None)
    told = {
        "preset": config.get("preset"),
        "network": config.get("arch") or ("unet" if config.get("kind") == "unet" else "conv"),
        "objective": _objective(config.get("objective")),
        "text encoder": _name(config.get("text_encoder")),
        "autoencoder": config.get("vae_run_id"),
        "goes on from": config.get("parent_run_id"),
        "trained on": _name(config.get("dataset"), version=True),
        "picture": f"{config.get('image_px')} px",
        "seed": config.get("seed"),
        "steps": training.get("steps") or run.get("steps"),
        "images seen": _count(run.get("images_seen")),
        "training": None if seconds is None else f"{seconds:,.0f} s",
        **_drawing(one.record.get("settings") or {}),
    }
    facts = {name: str(value) for name, value in told.items() if value is not None}
    return Column(str(one.record["run_id"]), facts)


def _drawing(settings: Mapping[str, Any]) -> dict[str, str]:
    if "sampler" not in settings:
        return {}
    told = f"{settings['sampler']}, {settings['steps']} steps, guidance {settings['guidance']:g}"
    return {"drawn with": told}


def _objective(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return ", ".join(str(value[key]) for key in ("path", "prediction") if key in value)
    return None if value is None else str(value)


def _name(value: Any, *, version: bool = False) -> str | None:
    if not isinstance(value, Mapping):
        return None if value is None else str(value)
    name = str(value.get("name"))
    return f"{name}@{value.get('version')}" if version else name


def _count(value: Any) -> str | None:
    return f"{value:,}" if isinstance(value, int) else None


def _drawn(compared: Sequence[Compared], version: Version) -> tuple[Shown, ...]:
    """One row a prompt; prompts that not every run has drawn are left out."""
    tables = [{row["image_id"]: row for row in one.record["generated"]} for one in compared]
    ids = [image_id for image_id in tables[0] if all(image_id in table for table in tables)]
    ids = ids[:MOST_PROMPTS]
    real = _real(version, set(ids))
    shown = []
    for image_id in ids:
        rows = [table[image_id] for table in tables]
        prompt = str(rows[0]["prompt"])
        pictures = tuple(
            show_file(one.folder / str(row["file"]), longest_px=PICTURE_PX, alt=prompt)
            for one, row in zip(compared, rows, strict=True)
        )
        seed = finite(rows[0], "seed")
        notes = tuple(_note(row) for row in rows)
        shown.append(
            Shown(prompt, None if seed is None else int(seed), real.get(image_id), pictures, notes)
        )
    return tuple(shown)


def _note(row: Mapping[str, Any]) -> str:
    rank = finite(row, "rank")
    told = "" if rank is None else f"own prompt: place {rank:g}"
    copied = row.get("is_copy") or row.get("is_copy_in_features")
    return ", ".join(filter(None, (told, "a copy" if copied else "")))


def _redrawn(compared: Sequence[Compared]) -> tuple[Shown, ...]:
    """Of autoencoders: an original and what each makes of it."""
    pairs = [one.record["reconstruction"].get("pairs", []) for one in compared]
    shown = []
    for index in range(min(map(len, pairs))):
        original = show_file(
            compared[0].folder / pairs[0][index]["original"],
            longest_px=PICTURE_PX,
            alt="A held-out original",
        )
        redrawn = tuple(
            show_file(
                one.folder / pair[index]["redrawn"],
                longest_px=PICTURE_PX,
                alt=f"The same, folded and unfolded by {one.folder.name}",
            )
            for one, pair in zip(compared, pairs, strict=True)
        )
        shown.append(Shown("", None, original, redrawn, ("",) * len(compared)))
    return tuple(shown)


def _real(version: Version, image_ids: set[str]) -> dict[str, Picture]:
    """The images of some ids as the dataset holds them; prompts are of held-out images mostly."""
    found: dict[str, Picture] = {}
    for split in reversed(version.splits):
        if found.keys() >= image_ids:
            break
        rows = version.read(split, ["image_id", "caption", "image"])
        for row in rows[rows["image_id"].isin(image_ids)].to_dict("records"):
            with Image.open(io.BytesIO(row["image"]["bytes"])) as image:
                found[str(row["image_id"])] = picture(
                    image, longest_px=PICTURE_PX, alt=str(row["caption"])
                )
    return found
