"""Data that are Gaussian, so that the perfect denoiser and the end of every walk are known."""

import torch
from torch import Tensor

from lowdiff.models.objectives.objective import Objective
from lowdiff.models.objectives.predictions import Ends
from lowdiff.models.text import Text
from lowdiff.sampling.walk import Moment

MEAN, STD = 1.5, 0.5


def perfect(x: Tensor, at: Moment) -> Ends:
    """E[data | x_t] and E[noise | x_t] when every value of the data is N(MEAN, STD^2)."""
    variance = (at.alpha * STD) ** 2 + at.sigma**2
    residual = (x - at.alpha * MEAN) / variance
    return Ends(MEAN + at.alpha * STD**2 * residual, at.sigma * residual)


def at_the_end(x: Tensor, start: Moment, end: Moment) -> Tensor:
    """Where the probability flow brings x: the same quantile of the marginal at the end."""
    first, last = (((m.alpha * STD) ** 2 + m.sigma**2) ** 0.5 for m in (start, end))
    return end.alpha * MEAN + (x - start.alpha * MEAN) * (last / first)


def perfect_denoiser(objective: Objective):
    """A denoiser that answers `perfect`, whatever it is to predict."""

    def denoise(x: Tensor, t: Tensor, _text: Text) -> Tensor:
        time = t.double()
        alpha, sigma = (float(part[0]) for part in objective.path.at(time))
        ends = perfect(x, Moment(float(time[0]), alpha, sigma))
        return objective.target(ends.x0, ends.noise, t)

    return denoise


def no_text(rows: int) -> Text:
    return Text(
        torch.zeros(rows, 1, 2), torch.zeros(rows, 1, dtype=torch.bool), torch.zeros(rows, 2)
    )
