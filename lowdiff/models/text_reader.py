"""A small transformer over the tokens of a caption, trained together with a denoiser.

An encoder that only spells (`bytes`) knows no words; what its letters mean for a picture is learned
here. Source: the character-aware encoders of Liu et al. 2022, arXiv:2212.10562, in a small form.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from lowdiff.models.attention import attend
from lowdiff.models.layers import zero_init
from lowdiff.models.rotary import angles_1d

HEAD_WIDTH = 32
"""Channels of an attention head, or a little more where the width does not divide."""


class ReaderLayer(nn.Module):
    """Tokens look at each other, then each thinks for itself; starts as the identity."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_look = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.look = zero_init(nn.Linear(width, width))
        self.scale = nn.Parameter(torch.full((self.heads,), (width / heads) ** 0.5))
        self.norm_think = nn.LayerNorm(width)
        self.think_in = nn.Linear(width, 4 * width)
        self.think_out = zero_init(nn.Linear(4 * width, width))

    def forward(
        self,
        x: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"],
        angles: Float[Tensor, "l half"],
    ) -> Float[Tensor, "b l d"]:
        """Return x plus what the tokens found in each other."""
        query, key, value = self.project(self.norm_look(x)).chunk(3, dim=-1)
        found = attend(
            query, key, value, heads=self.heads, scale=self.scale, mask=mask, angles=angles
        )
        x = x + self.look(found)
        out: Tensor = x + self.think_out(F.gelu(self.think_in(self.norm_think(x))))
        return out


class TextReader(nn.Module):
    """Tokens of the text encoder to tokens of the denoiser's width, and their mean."""

    def __init__(self, text_width: int, width: int, *, layers: int) -> None:
        super().__init__()
        self.embed = nn.Linear(text_width, width)
        most = max(1, width // HEAD_WIDTH)
        # rotations want pairs of channels in every head
        heads = next(count for count in range(most, 0, -1) if width % (2 * count) == 0)
        self.head_width = width // heads
        self.layers = nn.ModuleList(ReaderLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(
        self, tokens: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"]
    ) -> tuple[Float[Tensor, "b l e"], Float[Tensor, "b e"]]:
        """Return one vector per token, and the mean of those that count."""
        # a row without a caption looks at its padding: nobody asks what comes out, but no NaN may
        seen = mask | ~mask.any(dim=1, keepdim=True)
        x = self.embed(tokens).float()
        angles = angles_1d(torch.arange(x.shape[1], device=x.device).float(), self.head_width)
        for layer in self.layers:
            x = layer(x, seen, angles)
        x = self.norm(x.float())
        weight = seen[..., None].float()
        return x, (x * weight).sum(1) / weight.sum(1)
