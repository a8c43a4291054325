"""Where an evaluation lies in its run folder, and its pictures.

`evaluation.json` and `evaluation/` are of the dataset version that the run was trained on; of any
other version they carry the first digits of its digest.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from lowdiff.errors import ServiceError
from lowdiff.evaluation.measure import Reconstructed
from lowdiff.evaluation.pixels import Pixels
from lowdiff.sampling.run_folder import CONFIG_FILE, read_json

PAIRS = 12


@dataclass(frozen=True)
class Place:
    """The files of one evaluation of one run."""

    run_dir: Path
    name: str
    """`evaluation`, or `evaluation-<12 hex>` for a foreign dataset version."""

    @property
    def record(self) -> Path:
        """The JSON file, written last."""
        return self.run_dir / f"{self.name}.json"

    def read(self) -> dict[str, Any] | None:
        """The evaluation; None where there is none, or a damaged one."""
        try:
            content = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def save_pairs(self, redrawn: Reconstructed) -> list[dict[str, str]]:
        """Write the first originals and reconstructions; returns their names in the run folder."""
        pairs = []
        for index in range(min(PAIRS, len(redrawn.original))):
            names = {
                "original": f"{self.name}/reconstructions/{index:04d}-original.png",
                "redrawn": f"{self.name}/reconstructions/{index:04d}-redrawn.png",
            }
            self._save(names["original"], redrawn.original[index])
            self._save(names["redrawn"], redrawn.redrawn[index])
            pairs.append(names)
        return pairs

    def save_generated(self, drawn: Sequence[Image.Image]) -> list[str]:
        """Write every drawing; returns their names in the run folder."""
        names = [f"{self.name}/generated/{index:04d}.png" for index in range(len(drawn))]
        for name, picture in zip(names, drawn, strict=True):
            self._save(name, picture)
        return names

    def save_sheet(self, sheet: Image.Image) -> str:
        """Write the sheet of nearest pairs; returns its name in the run folder."""
        name = f"{self.name}/nearest.png"
        self._save(name, sheet)
        return name

    def _save(self, name: str, picture: Image.Image | Pixels) -> None:
        path = self.run_dir / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
            image.save(path)
        except OSError as error:
            raise ServiceError(
                path,
                f"cannot be written ({error})",
                reason="run_not_writable",
                do="Free the disk, then run the same command again.",
            ) from error


def place_of(run_dir: Path, dataset_digest: str) -> Place:
    """Where the evaluation of a run on a dataset version belongs.

    Raises:
        ContractError: the folder is no run.
    """
    own = read_json(run_dir / CONFIG_FILE)["dataset"]["digest"]
    name = "evaluation" if own == dataset_digest else f"evaluation-{dataset_digest[:12]}"
    return Place(run_dir, name)
