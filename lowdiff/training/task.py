"""What the loop knows of what it trains."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Batch(Protocol):
    """Everything that is random in a step: which images, which noise; rows can be taken out."""

    def __len__(self) -> int:
        """The number of rows."""

    def rows(self, part: slice) -> Self:
        """Some rows of it."""


class Task(Protocol):
    """What is trained; the loop knows nothing else of it.

    Attributes:
        module: the network whose parameters are trained.
    """

    module: nn.Module

    def batch(self, generator: torch.Generator, seed: int) -> Any:
        """Draw a `Batch` of the plan's size.

        Args:
            generator: on the device.
            seed: the same, for choices that the CPU makes.
        """

    def loss(self, batch: Any) -> Float[Tensor, ""]:
        """The mean loss over the rows of a batch, or of a part of one."""

    def compile(self, how: Callable[[nn.Module], Any]) -> None:
        """Let the networks of the loss run compiled, where that pays."""

    def validate(self, averaged: nn.Module) -> dict[str, Any]:
        """Figures for the metrics, from the averaged weights."""

    def draw(self, averaged: nn.Module, path: Path) -> None:
        """Write a sample grid, drawn with the averaged weights."""
