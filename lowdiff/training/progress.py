"""What a training run says while it goes on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lowdiff.training.disk import writing


@dataclass(frozen=True)
class Progress:
    """One point of a run, told every few steps.

    Attributes:
        loss: mean over the steps since the last point.
        images_per_s: over the same steps, without validation and samples.
        eta_s: seconds until the last step, from the run's pace so far.
    """

    step: int
    steps: int
    images_seen: int
    loss: float
    images_per_s: float
    eta_s: float


OnProgress = Callable[[Progress], None]


class MetricsLog:
    """`metrics.jsonl`: one JSON object a line, by step."""

    def __init__(self, path: Path, *, after_step: int) -> None:
        """Open the log of a run that stands at `after_step`; later lines are forgotten."""
        self.path = path
        kept = [row for row in read_metrics(path) if row["step"] <= after_step]
        with writing(path):
            path.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")

    def write(self, row: dict[str, Any]) -> None:
        """Add a line."""
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a run's metrics; a line cut short by a crash is left out."""
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows
