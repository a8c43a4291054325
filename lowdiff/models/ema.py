"""Averages of the weights over training, with profiles that fit runs of any length.

Source: the power-function averages of Karras et al. 2024, arXiv:2312.02696, section 3: at time T
the weights of time t count in proportion to t^gamma. Such an average always spans the same share of
the run so far, and the random first weights are forgotten at once; a fixed decay of 0.9999 is still
half random after 7,000 steps. Two averages of different spans, kept now and then, are enough to
make the average of any span after training; the equations here are derived from the paper.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn


@cache
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
        relative_std: the deviation of its profile, as a share of the run.
        averages: one tensor per parameter, in the module's order.
    """

    def __init__(self, module: nn.Module, *, relative_std: float) -> None:
        self.relative_std, self.gamma = relative_std, gamma_of(relative_std)
        self.names = [name for name, _ in module.named_parameters()]
        self.averages = [parameter.detach().clone() for parameter in module.parameters()]

    @torch.no_grad()
    def update(self, parameters: Sequence[Tensor], now: int, before: int | None = None) -> None:
        """Take in the weights of a time, in steps or images.

        Args:
            now: the time; of the first step it is 1.
            before: the time of the last update, default one earlier; 0 replaces the average.
        """
        last = now - 1 if before is None else before
        new_share = 1 - (last / now) ** (self.gamma + 1)
        torch._foreach_lerp_(self.averages, list(parameters), new_share)

    def state(self) -> dict[str, Tensor]:
        """The averages by parameter name."""
        return dict(zip(self.names, self.averages, strict=True))

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        """Write the averages into a module of the same shape."""
        for parameter, average in zip(module.parameters(), self.averages, strict=True):
            parameter.copy_(average)


class Profile(NamedTuple):
    """Which times an average holds, and how much of each: in proportion to t^gamma up to `until`.

    Attributes:
        relative_std: its deviation as a share of `until`; see `gamma_of`.
        until: the last time it has seen, in steps or images.
    """

    relative_std: float
    until: float


class Mixture(NamedTuple):
    """How to make an average that was not kept from those that were.

    Attributes:
        shares: one factor per kept average; they sum to 1.
        error: how far the profile is missed, as a share of its length (the norm of the difference
            over the norm of the profile); 0 is exact.
    """

    shares: list[float]
    error: float


def mixture_of(kept: Sequence[Profile], wanted: Profile) -> Mixture:
    """The mixture of kept averages whose profile is nearest to a wanted one.

    Least squares over profiles, with shares that sum to 1, so that weights which stood still come
    out exactly.

    Raises:
        ValueError: nothing was kept.
    """
    if not kept:
        raise ValueError("there is no average to mix")
    count = len(kept)
    system = np.ones((count + 1, count + 1))
    system[:count, :count] = [[_overlap(one, other) for other in kept] for one in kept]
    system[count, count] = 0.0  # a Lagrange multiplier holds the sum
    aim = np.array([*(_overlap(one, wanted) for one in kept), 1.0])
    shares = np.linalg.lstsq(system, aim, rcond=None)[0][:count]
    length = _overlap(wanted, wanted)
    gap = length - 2 * shares @ aim[:count] + shares @ system[:count, :count] @ shares
    return Mixture([float(share) for share in shares], float(np.sqrt(max(gap, 0.0) / length)))


def _overlap(one: Profile, other: Profile) -> float:
    """The integral of the product of two profiles (gamma + 1) t^gamma / until^(gamma + 1)."""
    early, late = sorted((one, other), key=lambda profile: profile.until)
    first, second = gamma_of(early.relative_std), gamma_of(late.relative_std)
    falls: float = (early.until / late.until) ** second / late.until
    return (first + 1) * (second + 1) / (first + second + 1) * falls


@torch.no_grad()
def mix(averages: Iterable[dict[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """The weighted sum of states, in float32; one of them is in memory at a time if it is lazy."""
    total: dict[str, Tensor] = {}
    for state, share in zip(averages, shares, strict=True):
        for name, tensor in state.items():
            if name in total:
                total[name].add_(tensor.float(), alpha=share)
            else:
                total[name] = tensor.float() * share
    return total
