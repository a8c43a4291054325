"""Lean a denoiser towards its caption, or away from a worse denoiser."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.models.objectives.objective import Objective
from lowdiff.models.objectives.predictions import Ends, split_of
from lowdiff.models.text import Text
from lowdiff.sampling.walk import Moment

Denoise = Callable[[Tensor, Tensor, Text], Tensor]
"""Maps (x_t, t, text) to a prediction of x_t's shape; t has shape (b,)."""
Estimate = Callable[[Tensor, Moment], Ends]
"""Maps (x_t, moment) to the data and the noise in x_t; what every sampler asks."""
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Guidance:
    """How hard the caption is followed.

    Sources: classifier-free guidance, Ho & Salimans 2022, arXiv:2207.12598, equation 6; only in the
    middle of the way, Kynkäänniemi et al. 2024, arXiv:2404.07724; the deviation put back, Lin et
    al. 2024, arXiv:2305.08891, equations 15 and 16.

    Attributes:
        scale: 1 is the plain model, 0 ignores the caption, above 1 exaggerates what it adds.
        low, high: only where this share of x_t is noise is the model guided; outside it costs half
            and does no good. On the straight path the share is t.
        rescale: 0 to 1: how much of the deviation of the unguided prediction is put back, against
            burnt-out colours.
    """

    scale: float = 2.0
    low: float = 0.1
    high: float = 0.9
    rescale: float = 0.0

    def applies(self, at: Moment) -> bool:
        """True where the model is asked twice."""
        share = at.noise_share
        return self.scale != 1 and self.low - TOLERANCE <= share <= self.high + TOLERANCE


def guided(
    objective: Objective,
    denoiser: Denoise,
    text: Text,
    guidance: Guidance,
    *,
    weak: Denoise | None = None,
) -> Estimate:
    """What samplers ask: data and noise, with guidance applied to the prediction.

    Args:
        text: encoded captions, one row per latent.
        weak: a worse denoiser, such as an early snapshot of the same run: the model is led away
            from what it says of the same caption, instead of from no caption (autoguidance, Karras
            et al. 2024, arXiv:2406.02507, equation 3). Keeps more variety.
    """
    prediction = objective.config.prediction
    both = Text(*(torch.cat(pair) for pair in zip(text, text.without_caption(), strict=True)))

    def answers(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        if weak is not None:
            return denoiser(x, t, text), weak(x, t, text)
        strong, plain = denoiser(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return strong, plain

    def estimate(x: Tensor, at: Moment) -> Ends:
        t = torch.full((x.shape[0],), at.t, device=x.device, dtype=torch.float32)
        if guidance.applies(at):
            strong, plain = answers(x, t)
            found = plain + guidance.scale * (strong - plain)
            found = _rescaled(found, strong, guidance.rescale)
        else:
            found = denoiser(x, t, text)
        return split_of(prediction, found, x, at.alpha, at.sigma)

    return estimate


def _rescaled(
    found: Float[Tensor, "b c h w"], like: Float[Tensor, "b c h w"], share: float
) -> Float[Tensor, "b c h w"]:
    """Move each row's deviation towards that of another prediction."""
    if share == 0:
        return found
    deviation = found.std(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
    scaled = found * (like.std(dim=(1, 2, 3), keepdim=True) / deviation)
    return share * scaled + (1 - share) * found


def between(denoiser: Denoise, other: Text, share: Float[Tensor, " b"]) -> Denoise:
    """A denoiser that answers for two captions at once: a mixture of what it says of each.

    Predictions can be mixed whatever the number of words; tokens of two captions cannot.

    Args:
        other: the second captions, one row per latent.
        share: of the second caption, in [0, 1], one per latent.
    """
    both = Text(*(torch.cat(pair) for pair in zip(other, other.without_caption(), strict=True)))

    def mixed(x: Tensor, t: Tensor, text: Text) -> Tensor:
        rows = len(x)  # twice as many when the captions are followed by no captions
        part = share.repeat(rows // len(share))[:, None, None, None]
        second = denoiser(x, t, Text(*(value[:rows] for value in both)))
        return torch.lerp(denoiser(x, t, text), second, part)

    return mixed


def with_extra(denoiser: Denoise, extra: Float[Tensor, "b e h w"]) -> Denoise:
    """A denoiser that is given more channels than the latents': a hole and what is around it."""

    def told(x: Tensor, t: Tensor, text: Text) -> Tensor:
        rows = extra.repeat(len(x) // len(extra), 1, 1, 1)
        return denoiser(torch.cat([x, rows], dim=1), t, text)

    return told
