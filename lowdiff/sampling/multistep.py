"""Samplers that remember: second order for one model call a step.

Both solve the diffusion ODE in lambda = log(alpha / sigma) with the estimated data as the unknown,
so a step from s to t is x_t = (sigma_t / sigma_s) x_s - alpha_t (e^-h - 1) D with h the step in
lambda. The first step has no past and the last lands on the data: both are of first order, and so
is the step after a moment at which nothing of the data is left (lambda is infinite there).
"""

import math
from itertools import pairwise
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from lowdiff.sampling.guidance import Estimate
from lowdiff.sampling.noise import NoiseSource
from lowdiff.sampling.walk import Knobs, Moment, Walk

Latents = Float[Tensor, "b c h w"]


class _Past(NamedTuple):
    """A moment that was asked, and the data that the model saw there."""

    at: Moment
    x0: Tensor


def dpmpp_2m(
    estimate: Estimate, x: Latents, walk: Walk, _noise: NoiseSource, _knobs: Knobs
) -> Latents:
    """DPM-Solver++ (2M): Lu et al. 2022, arXiv:2211.01095, algorithm 2."""
    past: _Past | None = None
    for now, then in pairwise(walk):
        found = _Past(now, estimate(x, now).x0)
        x = _exponential(x, now, then, _ahead(past, found, then))
        past = found
    return x


def unipc(
    estimate: Estimate, x: Latents, walk: Walk, _noise: NoiseSource, _knobs: Knobs
) -> Latents:
    """UniPC of order 2 with B2(h): Zhao et al. 2023, arXiv:2302.04867, algorithms 1 and 2.

    Every model call corrects the step that led to it and predicts the next one; the step that lands
    on the data is not corrected.
    """
    before: _Past | None = None
    last: _Past | None = None
    origin = x
    for now, then in pairwise(walk):
        found = _Past(now, estimate(x, now).x0)
        if last is not None:
            x = _corrected(origin, before, last, found)
        before, last, origin = last, found, x
        x = _exponential(x, now, then, _ahead(before, last, then))
    return x


def _ahead(past: _Past | None, found: _Past, then: Moment) -> Latents:
    """The data in the middle of the next step, on the line through the last two estimates."""
    if past is None or past.at.alpha == 0 or then.sigma == 0:
        return found.x0
    ratio = _step(found.at, then) / _step(past.at, found.at)
    return found.x0 + (ratio / 2) * (found.x0 - past.x0)


def _corrected(x: Latents, before: _Past | None, last: _Past, found: _Past) -> Latents:
    """The step from `last` to `found` once more, now that the model was asked there.

    The data is taken as the parabola of lambda through its three estimates, and averaged over the
    step exactly; with two estimates as the mean of both.
    """
    change = found.x0 - last.x0
    if before is None or before.at.alpha == 0 or last.at.alpha == 0:
        return _exponential(x, last.at, found.at, last.x0 + change / 2)
    h = _step(last.at, found.at)
    past = _step(before.at, last.at) / h
    # last + line s + curve s^2, with s from 0 (last) to 1 (found), and -past before
    curve = (change - (last.x0 - before.x0) / past) / (1 + past)
    line = change - curve
    first, second = _moments(h)
    return _exponential(x, last.at, found.at, last.x0 + first * line + second * curve)


def _moments(h: float) -> tuple[float, float]:
    """Means of s and s^2 under the weight e^(h s) on [0, 1]."""
    whole = math.expm1(h) / h
    first = (math.exp(h) - whole) / h
    second = (math.exp(h) - 2 * first) / h
    return first / whole, second / whole


def _exponential(x: Latents, now: Moment, then: Moment, data: Latents) -> Latents:
    """A step of first order with this estimate of the data."""
    if then.sigma == 0:
        return data
    shrink = then.sigma / now.sigma
    return shrink * x + (then.alpha - now.alpha * shrink) * data


def _step(now: Moment, then: Moment) -> float:
    """The step in lambda."""
    return math.log(then.alpha * now.sigma) - math.log(then.sigma * now.alpha)
