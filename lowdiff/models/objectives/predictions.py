"""What a denoiser predicts, and how data and noise follow from it.

Every prediction is a mixture of both ends, a * x0 + b * noise, where a and b depend on the amounts
alpha and sigma of the path. Together with x_t = alpha * x0 + sigma * noise these are two equations
for two unknowns, so one formula serves all.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from jaxtyping import Float
from torch import Tensor

Amount = TypeVar("Amount", float, Tensor)
"""A number for a whole batch, or a tensor that broadcasts over it."""


class Ends(NamedTuple):
    """Both ends of a path, as far as a denoiser can tell."""

    x0: Tensor
    noise: Tensor


def _eps(_alpha: Amount, _sigma: Amount) -> tuple[float, float]:
    return 0.0, 1.0


def _x0(_alpha: Amount, _sigma: Amount) -> tuple[float, float]:
    return 1.0, 0.0


def _v(alpha: Amount, sigma: Amount) -> tuple[Amount, Amount]:
    return -sigma, alpha


def _velocity(_alpha: Amount, _sigma: Amount) -> tuple[float, float]:
    return -1.0, 1.0


PREDICTIONS: dict[str, Callable[..., tuple[Tensor | float, Tensor | float]]] = {
    "eps": _eps,
    "x0": _x0,
    "v": _v,
    "velocity": _velocity,
}
"""Shares (a, b) of data and noise in each prediction.

`eps` is the noise (Ho et al. 2020, arXiv:2006.11239), `x0` the data, `v` the turn from one to the
other on a variance-preserving path (Salimans & Ho 2022, arXiv:2202.00512, appendix D), `velocity`
the slope of a straight path (Lipman et al. 2023, arXiv:2210.02747).
"""


def target_of(
    name: str,
    data: Float[Tensor, "b c h w"],
    noise: Float[Tensor, "b c h w"],
    alpha: Tensor,
    sigma: Tensor,
) -> Float[Tensor, "b c h w"]:
    """What a perfect denoiser would answer.

    Args:
        name: in `PREDICTIONS`.
        alpha, sigma: amounts, broadcast over the latents.
    """
    if name == "velocity":  # the default, and exactly so
        return noise - data
    of_data, of_noise = PREDICTIONS[name](alpha, sigma)
    return of_data * data + of_noise * noise


def split_of(
    name: str, prediction: Tensor, x_t: Tensor, alpha: Tensor | float, sigma: Tensor | float
) -> Ends:
    """Data and noise from a prediction.

    Args:
        name: in `PREDICTIONS`.
        alpha, sigma: amounts at the time of x_t, as numbers or broadcast over the latents; sigma is
            not 0, and alpha is not 0 for `eps`.
    """
    of_data, of_noise = PREDICTIONS[name](alpha, sigma)
    scale = 1 / (of_data * sigma - of_noise * alpha)
    x0 = (sigma * scale) * prediction - (of_noise * scale) * x_t
    noise = (of_data * scale) * x_t - (alpha * scale) * prediction
    return Ends(x0, noise)


def gain_of(name: str, alpha: Tensor, sigma: Tensor) -> Tensor:
    """How far the prediction moves when the data moves by 1 and x_t stays.

    Its square turns a squared error of the data into one of the prediction; times sigma, so that
    nothing is divided by zero.
    """
    of_data, of_noise = PREDICTIONS[name](alpha, sigma)
    return of_data * sigma - of_noise * alpha
