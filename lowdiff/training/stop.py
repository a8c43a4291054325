"""When to stop: the loss on images that the model has not seen does not fall any more.

How long a model generalises before it copies grows with the number of images (Bonnaire et al. 2025,
arXiv:2505.17638), so no number of steps is right for every dataset. The bands in the middle of the
noise decide what a picture shows; the ends say little.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MIDDLE = slice(1, -1)
"""Of the bands of noise: all but the cleanest and the noisiest."""


@dataclass
class EarlyStop:
    """Watches the validation loss of the middle bands.

    Attributes:
        patience: images without a better loss after which the run stops; 0 never stops it.
        best: the lowest loss so far, and after how many images it was seen.
        stopped_at: images seen when the patience ended; None while the run may go on.
    """

    patience: int
    best: tuple[float, int] | None = None
    stopped_at: int | None = None

    def look(self, row: dict[str, Any]) -> None:
        """Take in a line of metrics; one without a validation loss says nothing."""
        bands, images = row.get("val_loss_by_time"), int(row["images_seen"])
        if not bands or self.patience <= 0 or self.stopped_at is not None:
            return
        middle = bands[MIDDLE]
        loss = sum(middle) / len(middle)
        if self.best is None or loss < self.best[0]:
            self.best = loss, images
        elif images - self.best[1] >= self.patience:
            self.stopped_at = images

    def replay(self, rows: Iterable[dict[str, Any]]) -> "EarlyStop":
        """Take in the lines of a run that goes on; returns itself."""
        for row in rows:
            self.look(row)
        return self

    def told(self) -> dict[str, Any]:
        """What the run's summary says of it; empty for a run that came to its end."""
        if self.stopped_at is None or self.best is None:
            return {}
        loss, images = self.best
        return {
            "stopped_early": f"the validation loss of the middle bands was best ({loss:.4f}) after "
            f"{images:,} images; the run stopped after {self.stopped_at:,} and keeps the "
            f"average of {images:,}",
            "best_images_seen": images,
        }
