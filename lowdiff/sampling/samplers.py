"""Samplers: pure functions that walk from noise to data; every step asks for data and noise.

All of them are written in the amounts of data and noise of the moments, so they serve every path,
and every one lands on the estimate of the data when its last moment has no noise: nothing is left.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor

from lowdiff.models.objectives.predictions import Ends
from lowdiff.sampling.guidance import Estimate
from lowdiff.sampling.multistep import dpmpp_2m, unipc
from lowdiff.sampling.noise import NoiseSource
from lowdiff.sampling.walk import Knobs, Moment, Walk

Latents = Float[Tensor, "b c h w"]


def ddpm(estimate: Estimate, x: Latents, walk: Walk, noise: NoiseSource, knobs: Knobs) -> Latents:
    """Ancestral sampling (Ho et al. 2020, arXiv:2006.11239, algorithm 2); for many steps.

    Each step takes the mean of q(x_s | x_t, x0) and adds noise of the variance that the forward
    step from s to t added (their sigma^2 = beta), or of the posterior's own. The last adds none.
    """
    for now, then in pairwise(walk):
        mean = _towards(estimate(x, now), now, then, eta=1.0)
        deviation = step_deviation(now, then)
        if knobs.variance == "posterior":
            deviation *= then.sigma / now.sigma
        x = _with_noise(mean, knobs.noise_scale * deviation, then, noise)
    return x


def ddim(estimate: Estimate, x: Latents, walk: Walk, noise: NoiseSource, knobs: Knobs) -> Latents:
    """Implicit sampling (Song et al. 2021, arXiv:2010.02502, equations 12 and 16)."""
    for now, then in pairwise(walk):
        mean = _towards(estimate(x, now), now, then, eta=knobs.eta)
        deviation = knobs.eta * step_deviation(now, then) * then.sigma / now.sigma
        x = _with_noise(mean, deviation, then, noise)
    return x


def euler(
    estimate: Estimate, x: Latents, walk: Walk, _noise: NoiseSource, _knobs: Knobs
) -> Latents:
    """First order: follow the line from the estimated data to the estimated noise.

    On the straight path this is Euler's method for the velocity, on a variance-preserving one
    Euler's method in sigma / alpha (Karras et al. 2022, arXiv:2206.00364), which is `ddim`.
    """
    for now, then in pairwise(walk):
        x = _mixed(estimate(x, now), then)
    return x


def heun(estimate: Estimate, x: Latents, walk: Walk, _noise: NoiseSource, _knobs: Knobs) -> Latents:
    """Second order: average the slopes at both ends of a step; asks twice a step.

    Source: Karras et al. 2022, algorithm 1. The slope is d(x / alpha) / d(sigma / alpha) on a
    variance-preserving path, as theirs, and the velocity on the straight path and where nothing of
    the data is left. The step that lands on data is Euler's: there a model has nothing to say.
    """
    for now, then in pairwise(walk):
        first = estimate(x, now)
        x = _mixed(first, then)
        if then.sigma > 0:
            second = estimate(x, then)
            length, slope = _slope(now, then)
            x = x + (length / 2) * (slope(second) - slope(first))
    return x


def _mixed(ends: Ends, then: Moment) -> Latents:
    return ends.x0 if then.sigma == 0 else then.alpha * ends.x0 + then.sigma * ends.noise


def _towards(ends: Ends, now: Moment, then: Moment, *, eta: float) -> Latents:
    """Where a step goes that leaves room for noise of `eta` times the posterior's deviation."""
    added = eta * step_deviation(now, then) * then.sigma / now.sigma
    kept = math.sqrt(max(then.sigma**2 - added**2, 0.0))
    return then.alpha * ends.x0 + kept * ends.noise


def step_deviation(now: Moment, then: Moment) -> float:
    """Deviation of the noise that the forward step from `then` to `now` adds."""
    ratio = now.alpha / then.alpha
    return math.sqrt(max(now.sigma**2 - (ratio * then.sigma) ** 2, 0.0))


def _with_noise(mean: Latents, deviation: float, then: Moment, noise: NoiseSource) -> Latents:
    if then.sigma == 0 or deviation == 0:
        return mean
    return mean + deviation * noise.like(mean)


def _slope(now: Moment, then: Moment) -> tuple[float, Callable[[Ends], Tensor]]:
    """How far a step goes (in x), and what it follows."""
    preserving = abs(now.alpha**2 + now.sigma**2 - 1) < 1e-6 and now.alpha > 1e-4
    if preserving:
        return then.sigma - then.alpha * now.sigma / now.alpha, lambda ends: ends.noise
    scale = then.alpha + then.sigma
    return scale * (then.noise_share - now.noise_share), lambda ends: ends.noise - ends.x0


@dataclass(frozen=True)
class Sampler:
    """A sampler and what is to be known of it.

    Attributes:
        walk: the function.
        adds_noise: True when it draws noise on the way.
        history: True when a step uses the steps before it.
        says: for `--help`.
    """

    walk: Callable[[Estimate, Tensor, Walk, NoiseSource, Knobs], Tensor]
    says: str
    adds_noise: bool = False
    history: bool = False


SAMPLERS: dict[str, Sampler] = {
    "heun": Sampler(heun, "second order, two model calls a step; the default"),
    "euler": Sampler(euler, "first order, one call"),
    "dpmpp_2m": Sampler(dpmpp_2m, "second order, one call", history=True),
    "unipc": Sampler(unipc, "second order and corrected, one call", history=True),
    "ddim": Sampler(ddim, "first order; --eta adds noise", adds_noise=True),
    "ddpm": Sampler(ddpm, "ancestral, for hundreds of steps; --noise-scale", adds_noise=True),
}
"""Every sampler by its name."""
