"""What every part of `benchmarks/gpu.py` shares: where figures lie, how large all is, the clock."""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lowdiff.models.presets import Preset, load_preset
from lowdiff.sampling.device import Accelerator


class Paused(BaseException):
    """The budget of this call is spent."""


@dataclass
class Bench:
    """Where figures are kept, and how large everything is.

    Attributes:
        smoke: toys instead of the real sizes.
    """

    folder: Path
    accelerator: Accelerator
    smoke: bool
    ends_at: float

    @property
    def preset(self) -> Preset:
        """Of the parts that have one."""
        return load_preset("tiny" if self.smoke else "base256")

    @property
    def results(self) -> Path:
        """What was measured so far."""
        return self.folder / "results.json"

    def read(self) -> dict[str, Any]:
        """The figures so far."""
        return json.loads(self.results.read_text()) if self.results.is_file() else {}

    def keep(self, part: str, figures: dict[str, Any]) -> None:
        """Add a part."""
        self.results.write_text(json.dumps({**self.read(), part: figures}, indent=1) + "\n")

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if self.accelerator.device.type == "cuda":
            torch.cuda.synchronize(self.accelerator.device)

    def seconds(self, action: Callable[[], object], *, repeats: int) -> float:
        """The median of so many, after one to warm up."""
        taken = []
        for number in range(repeats + 1):
            self.wait()
            started = time.perf_counter()
            action()
            self.wait()
            if number:
                taken.append(time.perf_counter() - started)
        return statistics.median(taken)

    def check_time(self) -> None:
        """Stop this call when its budget is spent."""
        if time.monotonic() > self.ends_at:
            raise Paused
