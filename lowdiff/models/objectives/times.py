"""Which times are practised: densities of t, drawn evenly across a batch, and shifted."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.models.objectives.paths import Path


def quantiles(
    count: int, generator: torch.Generator, *, stratified: bool
) -> Float[Tensor, " count"]:
    """Numbers that are uniform in [0, 1), on the generator's device, float64.

    Args:
        stratified: one from each of `count` equal slices, in order. Every number keeps its
            distribution, and the mean loss of a batch varies less.
    """
    device = generator.device
    drawn = torch.rand(count, generator=generator, device=device, dtype=torch.float64)
    return (torch.arange(count, device=device) + drawn) / count if stratified else drawn


def _uniform(part: Tensor, _path: Path, _mean: float, _std: float) -> Tensor:
    return part


def _logit_normal(part: Tensor, _path: Path, mean: float, std: float) -> Tensor:
    return torch.sigmoid(mean + std * _normal(part))


def _log_normal(part: Tensor, path: Path, mean: float, std: float) -> Tensor:
    return path.time_of(mean + std * _normal(part))


def _normal(part: Tensor) -> Tensor:
    normal: Tensor = torch.special.ndtri(part.clamp(1e-9, 1 - 1e-9))
    return normal


TIMES: dict[str, Callable[[Tensor, Path, float, float], Tensor]] = {
    "uniform": _uniform,
    "logit-normal": _logit_normal,
    "log-normal": _log_normal,
}
"""Densities, as maps from quantiles to times.

`logit-normal`: logit(t) is N(mean, std^2), Esser et al. 2024, arXiv:2403.03206, section 3.1.
`log-normal`: log(sigma / alpha) is, Karras et al. 2022, arXiv:2206.00364, section 5 (for data of
deviation 0.5 they say -1.2 and 1.2, which is -0.5 and 1.2 for ours).
"""


def shifted(t: Float[Tensor, " n"], path: Path, shift: float) -> Float[Tensor, " n"]:
    """The times at which sigma / alpha is `shift` times as large.

    Larger latents need more noise to lose as much: for n times the cells a shift of sqrt(n). On the
    flow path this is shift t / (1 + (shift - 1) t), Esser et al. 2024, equation 23; on the others
    the log-SNR is moved (Hoogeboom et al. 2023, arXiv:2301.11093, equation 3).
    """
    if shift == 1:
        return t
    alpha, sigma = path.at(t)
    moved = path.time_of((sigma / alpha).log() + math.log(shift))
    return torch.where((t > 0) & (t < 1), moved, t)


def snapped(t: Float[Tensor, " n"], levels: int) -> Float[Tensor, " n"]:
    """The next later time of a table: 1 / levels ... 1."""
    return ((t * levels).ceil().clamp(1, levels) / levels) if levels else t
