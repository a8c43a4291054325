"""How far two pictures are apart, pixel by pixel or in small windows; each is 0 for equal ones."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

WINDOW_PX = 7
SSIM_FLOORS = (0.02**2, 0.06**2)
"""(0.01 range)² and (0.03 range)² for a range of 2: Wang et al. 2004."""
PROBABILITY_EDGE = 1e-4


def mse(prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]) -> Tensor:
    """Mean squared error."""
    return (prediction - target).square().mean()


def l1(prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]) -> Tensor:
    """Mean absolute error: keeps flat colours flat."""
    return (prediction - target).abs().mean()


def bce(prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]) -> Tensor:
    """Binary cross-entropy of a value as a probability, above that of a perfect picture, in nats.

    The story tried it beside the squared error. What lies outside [-1, 1] is drawn back by its
    square, since no probability does.
    """
    wanted = (target + 1) / 2
    told = ((prediction + 1) / 2).clamp(PROBABILITY_EDGE, 1 - PROBABILITY_EDGE)
    least = F.binary_cross_entropy(wanted.clamp(PROBABILITY_EDGE, 1 - PROBABILITY_EDGE), wanted)
    outside = (prediction.abs() - 1).clamp_min(0).square().mean()
    return F.binary_cross_entropy(told, wanted) - least + outside


def edge(prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]) -> Tensor:
    """How much neighbouring pixels differ in the error, across and down; 0 for a plain offset."""
    error = prediction - target
    return error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


def gradient(
    prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"], *, scales: int = 3
) -> Tensor:
    """The edge error at full, half and quarter size, averaged: edges of every width count."""
    error, total = prediction - target, prediction.new_zeros(())
    for scale in range(scales):
        if scale:
            error = F.avg_pool2d(error, 2)
        total = total + error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return total / scales


def ssim(prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]) -> Tensor:
    """1 minus the structural similarity in windows of 7 x 7 equal weights, on every third pixel.

    Source: Wang et al. 2004, doi:10.1109/TIP.2003.819861.
    """

    def window(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, WINDOW_PX, stride=3)

    first, second = window(prediction), window(target)
    spread_first = window(prediction.square()) - first.square()
    spread_second = window(target.square()) - second.square()
    together = window(prediction * target) - first * second
    low, high = SSIM_FLOORS
    likeness = (2 * first * second + low) * (2 * together + high)
    scale = (first.square() + second.square() + low) * (spread_first + spread_second + high)
    return 1 - torch.mean(likeness / scale)
