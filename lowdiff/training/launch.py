"""How a run uses the hardware; nothing here changes what is learned, only how fast."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from lowdiff.training.workers import Workers

Compile = Literal["off", "on", "graphs"]


def _say_nothing(_: str) -> None:
    """For callers who do not listen."""


@dataclass(frozen=True)
class Launch:
    """How a run uses the hardware.

    Attributes:
        accumulate: parts that a batch is computed in, one after another; 0 takes one, and more
            when the memory turns out to be short.
        compile: `on` compiles the network, `graphs` also records it as CUDA graphs; on a GPU only,
            where it pays after a minute or two. A CPU run is never compiled.
        workers: the processes that train together.
        tell: told in a sentence what a person should know.
    """

    accumulate: int = 0
    compile: Compile = "off"
    workers: Workers = field(default_factory=Workers)
    tell: Callable[[str], None] = _say_nothing

    def compiles_on(self, device: torch.device) -> bool:
        """True when the networks shall run compiled."""
        return self.compile != "off" and device.type == "cuda"

    def compiled(self, module: nn.Module) -> Any:
        """The module, compiled for the shapes that come; it shares the parameters."""
        mode = "reduce-overhead" if self.compile == "graphs" else None
        return torch.compile(module, mode=mode, dynamic=False)

    def begin_step(self, device: torch.device) -> None:
        """Tell recorded graphs that the tensors of the last step may be overwritten."""
        if self.compile == "graphs" and device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
