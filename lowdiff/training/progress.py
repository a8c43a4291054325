"""What a training run says while it goes on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lowdiff.training.curves import Curves
from lowdiff.training.disk import writing


@dataclass(frozen=True)
class Progress:
    """One point of a run, told every few steps.

    Attributes:
        images_seen: so far; a step sees one batch.
        images: that the whole run will see.
        loss: mean over the steps since the last point.
        images_per_s: over the same steps, without validation and samples.
        eta_s: seconds until the last step, from the run's pace so far.
    """

    step: int
    steps: int
    images_seen: int
    images: int
    loss: float
    images_per_s: float
    eta_s: float


OnProgress = Callable[[Progress], None]


class MetricsLog:
    """`metrics.jsonl`: one JSON object a line, by step; TensorBoard gets the same.

    Attributes:
        kept: the lines that a run that goes on has written before.
    """

    def __init__(
        self, path: Path, *, after_step: int, curves: Path | None = None, writes: bool = True
    ) -> None:
        """Open the log of a run that stands at `after_step`; later lines are forgotten.

        Args:
            curves: the folder of TensorBoard's events; default: none are written.
            writes: False in all processes of a run but the first.
        """
        self.path = path
        self.kept = [row for row in read_metrics(path) if row["step"] <= after_step]
        self._curves = Curves(curves, self.kept) if writes and curves is not None else None
        if writes:
            body = "".join(json.dumps(row) + "\n" for row in self.kept)
            with writing(path):
                path.write_text(body, encoding="utf-8")

    def write(self, row: dict[str, Any]) -> None:
        """Add a line."""
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if self._curves is not None:
            self._curves.add(row)

    def close(self) -> None:
        """Write what is left."""
        if self._curves is not None:
            self._curves.close()


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
