"""The times that a sampler visits, and what it lets one turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.models.objectives.objective import Objective
from lowdiff.models.objectives.times import shifted


class Moment(NamedTuple):
    """A time with the amounts of data and noise there, as plain numbers.

    Attributes:
        t: in [0, 1]; 0 is data.
        alpha: amount of data.
        sigma: amount of noise; exactly 0 at t = 0.
    """

    t: float
    alpha: float
    sigma: float

    @property
    def noise_share(self) -> float:
        """Noise over everything, in [0, 1]: the time at which the straight path is as noisy."""
        return self.sigma / (self.alpha + self.sigma)


Walk = Sequence[Moment]
"""Moments from the noisiest to the cleanest; a sampler steps from each to the next."""


def walk_of(
    objective: Objective, steps: int, *, start: float = 1.0, end: float = 0.0, shift: float = 1.0
) -> list[Moment]:
    """`steps` equal steps of time.

    Args:
        start, end: 1 is pure noise, 0 is data.
        shift: of the times, on top of the objective's own; see `objectives.times.shifted`.

    Raises:
        ValueError: no step is asked, or the end is not before the start.
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    if not 0 <= end < start <= 1:
        raise ValueError(f"times must fall within [0, 1], got {start} to {end}")
    even = [start + (end - start) * step / steps for step in range(steps)]
    even.append(end)  # not a rounding error above it: there the last step would be extrapolated
    t = torch.tensor(even, dtype=torch.float64)
    return moments_at(objective, shifted(t, objective.path, objective.config.shift * shift))


def moments_at(objective: Objective, t: Float[Tensor, " n"]) -> list[Moment]:
    """The moments at these times (float64, on the CPU)."""
    alpha, sigma = objective.path.at(t)
    return [Moment(*row) for row in zip(t.tolist(), alpha.tolist(), sigma.tolist(), strict=True)]


VARIANCES = ("beta", "posterior")


@dataclass(frozen=True)
class Knobs:
    """What some samplers let you turn.

    Attributes:
        eta: of `ddim`: 0 adds no noise, 1 as much as `ddpm` with the posterior's variance.
        noise_scale: of `ddpm`: factor of the noise that each step adds. 0 adds none, which is no
            longer a sampler: details average out into blobs.
        variance: of the noise that `ddpm` adds: `beta` (the forward step's) or `posterior`.
    """

    eta: float = 0.0
    noise_scale: float = 1.0
    variance: str = "beta"
