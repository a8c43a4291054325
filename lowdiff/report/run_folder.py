"""Read what a training run left behind; a run that is still going on, or was killed, counts too."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAMPLE = re.compile(r"^step_(\d+)\.(png|webp|jpe?g)$")


@dataclass(frozen=True)
class Point:
    """One line of `metrics.jsonl`."""

    step: int
    loss: float | None
    """Of the batches since the last point."""
    train_loss: float | None
    """Of some training images, measured as `val_loss` is."""
    val_loss: float | None
    train_psnr_db: float | None
    val_psnr_db: float | None
    images_seen: int | None
    images_per_s: float | None
    elapsed_s: float | None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where it is missing, cut off or no object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_points(path: Path) -> tuple[Point, ...]:
    """The points of a run by step.

    A line that is cut off is left out. A run that was killed and went on from a checkpoint says
    some steps twice: the later word counts.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    points: dict[int, Point] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        step = finite(record, "step") if isinstance(record, dict) else None
        if step is None:
            continue
        point = Point(
            step=int(step),
            loss=finite(record, "loss"),
            train_loss=finite(record, "train_loss"),
            val_loss=finite(record, "val_loss"),
            train_psnr_db=finite(record, "train_psnr_db"),
            val_psnr_db=finite(record, "val_psnr_db"),
            images_seen=_whole(finite(record, "images_seen")),
            images_per_s=finite(record, "images_per_s"),
            elapsed_s=finite(record, "elapsed_s"),
        )
        points[point.step] = point
    return tuple(points[step] for step in sorted(points))


def sample_files(folder: Path) -> list[tuple[int, Path]]:
    """(step, file) of the sample grids of a run, the first step first."""
    samples = folder / "samples"
    if not samples.is_dir():
        return []
    found = [
        (int(match[1]), path) for path in samples.iterdir() if (match := SAMPLE.match(path.name))
    ]
    return sorted(found)


def finite(record: Mapping[str, Any], key: str) -> float | None:
    """A number that can be drawn; None where it is missing, text, NaN or infinite."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def flat_settings(record: Mapping[str, Any], prefix: str = "") -> tuple[tuple[str, str], ...]:
    """(name, value) of nested settings, names joined by dots, sorted by name."""
    rows: list[tuple[str, str]] = []
    for key in sorted(record):
        value, name = record[key], f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows += flat_settings(value, f"{name}.")
        elif isinstance(value, list | tuple):
            rows.append((name, " × ".join(str(part) for part in value)))
        elif value is not None:
            rows.append((name, f"{value:g}" if isinstance(value, float) else str(value)))
    return tuple(rows)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
