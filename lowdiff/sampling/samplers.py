"""Solvers that walk from noise (t = 1) to data (t = 0) along a velocity; pure functions.

Sources: Heun's method as Karras et al. 2022, arXiv:2206.00364, use it; classifier-free guidance,
Ho & Salimans 2022, arXiv:2207.12598, only in the middle of the way as in Kynkäänniemi et al. 2024,
arXiv:2404.07724.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.models.text import Text

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Maps (x_t, t) to a velocity of x_t's shape; t has shape (b,)."""
Model = Callable[[Tensor, Tensor, Text], Tensor]
"""Maps (x_t, t, text) to a velocity of x_t's shape."""

GUIDED_FROM, GUIDED_TO = 0.1, 0.9
"""Guidance applies for times in this interval; outside it costs half and does no good."""


def euler(
    velocity: Velocity, noise: Float[Tensor, "b c h w"], *, steps: int
) -> Float[Tensor, "b c h w"]:
    """Integrate with Euler steps of equal length; costs `steps` model calls.

    Raises:
        ValueError: `steps` is less than 1.
    """
    x = noise
    for now, then in _intervals(steps):
        x = x + (then - now) * velocity(x, _times(now, x))
    return x


def heun(
    velocity: Velocity, noise: Float[Tensor, "b c h w"], *, steps: int
) -> Float[Tensor, "b c h w"]:
    """Integrate with Heun steps (second order); costs 2 x `steps` - 1 model calls.

    The last step is Euler's: it lands on t = 0, where a model has nothing to say.

    Raises:
        ValueError: `steps` is less than 1.
    """
    x = noise
    for now, then in _intervals(steps):
        slope = velocity(x, _times(now, x))
        guess = x + (then - now) * slope
        if then > 0:
            slope = (slope + velocity(guess, _times(then, x))) / 2
        x = x + (then - now) * slope
    return x


SAMPLERS: dict[str, Callable[..., Tensor]] = {"euler": euler, "heun": heun}
"""Every sampler by its name."""


def guided(model: Model, text: Text, *, guidance: float) -> Velocity:
    """The velocity that leans towards the caption.

    Args:
        guidance: 1 is the plain model, 0 ignores the caption, above 1 exaggerates what the caption
            adds. Only times in [0.1, 0.9] are guided.
    """
    both = Text(*(torch.cat(pair) for pair in zip(text, text.without_caption(), strict=True)))

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        if guidance == 1 or not GUIDED_FROM <= float(t[0]) <= GUIDED_TO:
            return model(x, t, text)
        with_caption, without = model(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return without + guidance * (with_caption - without)

    return velocity


def _intervals(steps: int) -> list[tuple[float, float]]:
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    return [(1 - i / steps, 1 - (i + 1) / steps) for i in range(steps)]


def _times(t: float, x: Tensor) -> Tensor:
    return torch.full((x.shape[0],), t, device=x.device, dtype=torch.float32)
