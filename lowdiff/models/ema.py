"""An average of the weights over training, with a profile that fits runs of any length.

Source: the power-function average of Karras et al. 2024, arXiv:2312.02696, section 3.1: at step n
the weight of step s is proportional to s^gamma. The average always spans the same share of the run
so far, and the random first weights are forgotten at once; a fixed decay of 0.9999 is still half
random after 7,000 steps.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def gamma_of(relative_std: float) -> float:
    """The exponent whose profile has this deviation, as a share of the run.

    Solves relative_std^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3)) by bisection; the right side
    falls with gamma.

    Args:
        relative_std: in (0, 0.28); 0.05 to 0.10 suits most runs.

    Raises:
        ValueError: no exponent of 0 or more has it.
    """
    low, high = 0.0, 1e4
    if not _relative_variance(high) < relative_std**2 < _relative_variance(low):
        raise ValueError(f"relative_std must be between 0.0001 and 0.28, got {relative_std}")
    for _ in range(100):
        middle = (low + high) / 2
        if _relative_variance(middle) > relative_std**2:
            low = middle
        else:
            high = middle
    return low


def _relative_variance(gamma: float) -> float:
    return (gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3))


class PowerEma:
    """The running average of a module's parameters.

    Attributes:
        averages: one tensor per parameter, in the module's order.
    """

    def __init__(self, module: nn.Module, *, relative_std: float) -> None:
        self.gamma = gamma_of(relative_std)
        self.names = [name for name, _ in module.named_parameters()]
        self.averages = [parameter.detach().clone() for parameter in module.parameters()]

    @torch.no_grad()
    def update(self, parameters: Sequence[Tensor], step: int) -> None:
        """Take in the weights after a step.

        Args:
            step: 1 for the first; the first update replaces the average.
        """
        new_share = 1 - (1 - 1 / step) ** (self.gamma + 1)
        torch._foreach_lerp_(self.averages, list(parameters), new_share)

    def state(self) -> dict[str, Tensor]:
        """The averages by parameter name."""
        return dict(zip(self.names, self.averages, strict=True))

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        """Write the averages into a module of the same shape."""
        for parameter, average in zip(module.parameters(), self.averages, strict=True):
            parameter.copy_(average)
