"""TensorBoard's view of a run's metrics; `metrics.jsonl` is the truth, this is drawn from it."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lowdiff.training.disk import writing

CURVES_FOLDER = "tensorboard"


class Curves:
    """Event files in the run folder, told each line of metrics once."""

    def __init__(self, folder: Path, rows: Iterable[dict[str, Any]]) -> None:
        """Start anew with the lines of a run that goes on: what lies there is drawn again."""
        from tensorboardX import SummaryWriter

        with writing(folder):
            shutil.rmtree(folder, ignore_errors=True)
            self._writer: Any = SummaryWriter(str(folder), flush_secs=30)
        for row in rows:
            self.add(row)

    def add(self, row: dict[str, Any]) -> None:
        """Draw a line of metrics; the axis is images seen."""
        images = row["images_seen"]
        for name, value in row.items():
            if isinstance(value, list):
                for index, part in enumerate(value):
                    self._writer.add_scalar(f"{name}/{index}", part, images)
            elif isinstance(value, int | float) and name != "images_seen":
                self._writer.add_scalar(name, value, images)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
