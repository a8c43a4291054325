"""Paths from data to noise: how much of each is left at time t.

A path is a pair of functions alpha (of the data) and sigma (of the noise) of t in [0, 1]; t = 0 is
data (1, 0). Two families: continuous ones (flow, EDM), and tables of alpha squared at 0, 1/T ... 1
that come from T variances beta, as in Ho et al. 2020, arXiv:2006.11239; between the rows of a table
alpha squared is interpolated. Row k of a table is step k of the paper (and step k - 1 where steps
are counted from 0).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

Amounts = tuple[Tensor, Tensor]
"""alpha and sigma, of the shape of the times that were asked."""


class Path(Protocol):
    """What every path offers.

    Attributes:
        levels: times that are practised: k / levels for k = 1 ... levels; 0 when all are.
    """

    @property
    def levels(self) -> int: ...  # noqa: D102

    def at(self, t: Float[Tensor, " b"]) -> Amounts:
        """Alpha and sigma at these times, in their precision and on their device."""

    def time_of(self, log_ratio: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """The time at which log(sigma / alpha) has this value; the nearest where none has."""


@dataclass(frozen=True)
class FlowPath:
    """The straight path (1 - t, t); nothing of the data is left at t = 1.

    Source: Lipman et al. 2023, arXiv:2210.02747, section 4.1 (their t runs the other way).
    """

    levels: int = 0

    def at(self, t: Float[Tensor, " b"]) -> Amounts:
        """See `Path.at`."""
        return 1 - t, t

    def time_of(self, log_ratio: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """See `Path.time_of`."""
        return torch.sigmoid(log_ratio)


@dataclass(frozen=True)
class EdmPath:
    """The noise levels of EDM, for data of unit deviation, scaled to unit variance.

    sigma / alpha = (min^(1/7) + t (max^(1/7) - min^(1/7)))^7, so equal steps of t are the steps of
    Karras et al. 2022, arXiv:2206.00364, equation 5; t = 0 is clean, as their last step is. Their
    0.002 and 80 hold for data of deviation 0.5. Dividing x by sqrt(1 + sigma^2) is their c_in: with
    the prediction v, c_skip and c_out (table 1) are those of EDM, up to the sign of the output.
    """

    low: float = 0.004
    high: float = 160.0
    rho: float = 7.0
    levels: int = 0

    def at(self, t: Float[Tensor, " b"]) -> Amounts:
        """See `Path.at`."""
        start, length = self._ends()
        ratio = torch.where(t > 0, (start + t.double() * length) ** self.rho, 0.0)
        alpha = (1 + ratio.square()).rsqrt()
        return alpha.to(t.dtype), (ratio * alpha).to(t.dtype)

    def time_of(self, log_ratio: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """See `Path.time_of`."""
        start, length = self._ends()
        t = ((log_ratio.double() / self.rho).exp() - start) / length
        return t.clamp(1e-6, 1).to(log_ratio.dtype)  # at 0 it would be clean

    def _ends(self) -> tuple[float, float]:
        start, end = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        return start, end - start


class TablePath:
    """A variance-preserving path (alpha^2 + sigma^2 = 1) from a table.

    Args:
        signal: alpha squared at 0, 1/T ... 1; falls from 1; float64.
    """

    def __init__(self, signal: Float[Tensor, " rows"]) -> None:
        self.signal = signal
        self._on: dict[torch.device, Tensor] = {signal.device: signal}

    @property
    def levels(self) -> int:
        """See `Path`."""
        return len(self.signal) - 1

    def at(self, t: Float[Tensor, " b"]) -> Amounts:
        """See `Path.at`."""
        table = self._table(t.device)
        row = (t.double() * self.levels).clamp(0, self.levels)
        below = row.floor().clamp(max=self.levels - 1)
        index = below.long()
        signal = torch.lerp(table[index], table[index + 1], row - below)
        return signal.sqrt().to(t.dtype), (1 - signal).sqrt().to(t.dtype)

    def time_of(self, log_ratio: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """See `Path.time_of`."""
        falling = -self._table(log_ratio.device)
        wanted = -torch.sigmoid(-2 * log_ratio.double())
        index = torch.searchsorted(falling, wanted).clamp(1, self.levels)
        low, high = falling[index - 1], falling[index]
        part = ((wanted - low) / (high - low).clamp_min(1e-300)).clamp(0, 1)
        return ((index - 1 + part) / self.levels).to(log_ratio.dtype)

    def _table(self, device: torch.device) -> Float[Tensor, " rows"]:
        if device not in self._on:
            self._on[device] = self.signal.to(device)
        return self._on[device]


def from_betas(betas: Float[Tensor, " steps"]) -> Float[Tensor, " rows"]:
    """A table from the variance that each of T steps adds (Ho et al. 2020, equation 4)."""
    return torch.cat([torch.ones(1, dtype=torch.float64), (1 - betas).cumprod(0)])


def linear(steps: int) -> Float[Tensor, " rows"]:
    """Variances from 1e-4 to 0.02 in equal steps (Ho et al. 2020, section 4)."""
    return from_betas(torch.linspace(1e-4, 0.02, steps, dtype=torch.float64))


def scaled_linear(steps: int) -> Float[Tensor, " rows"]:
    """Deviations from sqrt(0.00085) to sqrt(0.012) in equal steps (Rombach et al. 2022)."""
    ends = (0.00085**0.5, 0.012**0.5)
    return from_betas(torch.linspace(*ends, steps, dtype=torch.float64).square())


def course(steps: int) -> Float[Tensor, " rows"]:
    """The linear schedule as a well-known course on diffusion models writes it.

    Variances 1e-4 ... 0.02 at steps + 1 points; step k multiplies those of points 0 to k, and step
    0 is set to 1 afterwards. With 500 steps 0.0063 of the variance is still data at the end, 7.9 %
    of the amplitude: flat grounds cannot be drawn honestly (Lin et al. 2024, arXiv:2305.08891).
    """
    betas = torch.linspace(1e-4, 0.02, steps + 1, dtype=torch.float64)
    signal = (1 - betas).log().cumsum(0).exp()
    signal[0] = 1
    return signal


def cosine(steps: int) -> Float[Tensor, " rows"]:
    """A squared cosine (Nichol & Dhariwal 2021, arXiv:2102.09672, equation 17).

    No step adds more than 0.999 of the variance, as they say.
    """
    at = torch.arange(steps + 1, dtype=torch.float64) / steps
    curve = torch.cos((at + 0.008) / 1.008 * math.pi / 2).square()
    return from_betas((1 - curve[1:] / curve[:-1]).clamp(max=0.999))


def zero_terminal(signal: Float[Tensor, " rows"]) -> Float[Tensor, " rows"]:
    """The same table, shifted and scaled so that nothing of the data is left at its end.

    Source: Lin et al. 2024, arXiv:2305.08891, algorithm 1: alpha, not its square, is shifted to end
    at 0 and scaled to keep its first value.
    """
    alpha = signal[1:].sqrt()
    moved = (alpha - alpha[-1]) * alpha[0] / (alpha[0] - alpha[-1])
    return torch.cat([signal[:1], moved.square()])


TABLES: dict[str, Callable[[int], Tensor]] = {
    "linear": linear,
    "scaled-linear": scaled_linear,
    "course": course,
    "cosine": cosine,
}
"""Every table by its name."""
CONTINUOUS: dict[str, Callable[[], Path]] = {"flow": FlowPath, "edm": EdmPath}
"""Every other path by its name."""


def make_path(name: str, *, steps: int, zero_snr: bool) -> Path:
    """The path of this name.

    Args:
        steps: rows of a table; the continuous paths have none.
        zero_snr: shift a table so that it ends in pure noise.

    Raises:
        ValueError: there is no such path, or it cannot be shifted.
    """
    if name in TABLES:
        if steps < 2:
            raise ValueError(f"a {name} path needs 2 steps or more, got {steps}")
        signal = TABLES[name](steps)
        return TablePath(zero_terminal(signal) if zero_snr else signal)
    if name not in CONTINUOUS:
        raise ValueError(f"path {name} is not one of {', '.join([*CONTINUOUS, *TABLES])}")
    if zero_snr:
        raise ValueError(f"only tables ({', '.join(TABLES)}) can be shifted to zero signal")
    return CONTINUOUS[name]()
