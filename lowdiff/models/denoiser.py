"""What every denoiser shares: how it takes in the time and the caption."""

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.models.text import Text
from lowdiff.models.text_reader import TextReader


class DenoiserConfig(Protocol):
    """The shape of a denoiser, a frozen dataclass; the run folder holds it as JSON.

    Attributes:
        latent_channels: channels of the latents that it denoises.
        text_width: width of a text token and of the pooled text.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def latent_channels(self) -> int:
        """Of the autoencoder."""

    @property
    def text_width(self) -> int:
        """Of the text encoder."""


class Denoiser(nn.Module, ABC):
    """Maps (x_t, t, text) to a prediction of x_t's shape; which one, the objective decides.

    A caption that was left out is a `Text` row whose mask is all False; a denoiser that never has a
    caption is an unconditional one.
    """

    @abstractmethod
    def forward(
        self, x_t: Float[Tensor, "b c_in h w"], t: Float[Tensor, " b"], text: Text
    ) -> Float[Tensor, "b c h w"]:
        """Predict from noised latents.

        Args:
            x_t: noised latents of any size, padded inside where they would not divide; extra
                channels after them where the config has some.
            t: time in [0, 1], 1 is pure noise.
            text: encoded captions, one row per latent.
        """


class TextDenoiser(Denoiser):
    """A denoiser that takes in tokens, and the time and the pooled text as one vector.

    A left out caption is replaced by a learned token and a learned pooled vector.

    Args:
        condition_width: of the vector that time and pooled text are added up in.
        text_layers: layers of a small transformer over the tokens, trained with the denoiser; for
            text encoders that only spell.

    Attributes:
        token_width: of the tokens that `condition` gives.
    """

    def __init__(self, *, text_width: int, condition_width: int, text_layers: int = 0) -> None:
        super().__init__()
        width = condition_width
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.text_norm = nn.LayerNorm(text_width)
        self.pooled = nn.Linear(text_width, width)
        self.token_width = width if text_layers else text_width
        self.no_token = nn.Parameter(torch.randn(self.token_width))
        self.no_pooled = nn.Parameter(torch.zeros(width))
        self.reader = TextReader(text_width, width, layers=text_layers) if text_layers else None

    def condition(self, t: Float[Tensor, " b"], text: Text) -> tuple[Text, Float[Tensor, "b d"]]:
        """Tokens, at least one per row, and the vector of time and pooled text."""
        absent = ~text.mask.any(dim=1)
        tokens = self.text_norm(text.tokens.float())
        pooled = self.pooled(text.pooled.float()).float()
        if self.reader is not None:
            tokens, heard = self.reader(tokens, text.mask)
            pooled = pooled + heard
        pooled = torch.where(absent[:, None], self.no_pooled, pooled)
        stand_in = self.no_token.expand(len(tokens), 1, -1)
        text = Text(
            torch.cat([stand_in, tokens], dim=1),
            torch.cat([absent[:, None], text.mask], dim=1),
            text.pooled,
        )
        features = time_features(t, self.no_pooled.shape[0])
        return text, F.silu(self.time(features).float() + pooled)


def time_features(t: Float[Tensor, " b"], width: int) -> Float[Tensor, "b d"]:
    """Sines and cosines of t at frequencies from 1/10 to 100 turns per unit of time.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5, with frequencies for t in [0, 1].
    """
    turns = torch.logspace(-1, 2, width // 2, device=t.device, dtype=torch.float32)
    angles = 2 * math.pi * t.float()[:, None] * turns
    return torch.cat([angles.sin(), angles.cos()], dim=1)
