"""How much each noise level counts, as a factor of the squared error of the data.

SNR is (alpha / sigma)^2. A loss is measured on the prediction, so a weight is divided by the
squared gain of the prediction over the data (`predictions.gain_of`); `uniform` is not: there the
plain error of the prediction counts.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from lowdiff.models.objectives.predictions import gain_of

LEAST = 1e-12


def _min_snr(snr: Tensor, gamma: float) -> Tensor:
    return snr.clamp(max=gamma)


def _soft_min_snr(snr: Tensor, gamma: float) -> Tensor:
    return gamma * snr / (snr + gamma)


def _edm(snr: Tensor, _gamma: float) -> Tensor:
    return 1 + snr


WEIGHTS: dict[str, Callable[[Tensor, float], Tensor] | None] = {
    "uniform": None,
    "min-snr": _min_snr,
    "soft-min-snr": _soft_min_snr,
    "edm": _edm,
}
"""Factors of the squared error of the data.

`min-snr`: min(SNR, gamma), Hang et al. 2023, arXiv:2303.09556, equation 7. `soft-min-snr`: its
smooth form SNR gamma / (SNR + gamma), Crowson et al. 2024, arXiv:2401.11605, section 4.4. `edm`:
1 + SNR, lambda(sigma) of Karras et al. 2022, arXiv:2206.00364, table 1, for data of unit deviation.
"""


def weights_of(
    name: str, prediction: str, alpha: Float[Tensor, " b"], sigma: Float[Tensor, " b"], gamma: float
) -> Float[Tensor, " b"] | None:
    """Factors of the squared error of this prediction; None where all are 1."""
    weight = WEIGHTS[name]
    if weight is None:
        return None
    noise = sigma.square().clamp_min(LEAST)
    gain = gain_of(prediction, alpha, sigma).square().clamp_min(LEAST)
    return weight(alpha.square() / noise, gamma) * noise / gain
