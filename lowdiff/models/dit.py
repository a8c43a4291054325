"""A diffusion transformer on latents: the challenger of the U-Net.

Sources: Peebles & Xie 2023, arXiv:2212.09748 (adaLN-Zero); RMSNorm, Zhang & Sennrich 2019,
arXiv:1910.07467; SwiGLU, Shazeer 2020, arXiv:2002.05202; two-dimensional rotations as positions,
Su et al. 2021, arXiv:2104.09864; normalised queries and keys, Dehghani et al. 2023,
arXiv:2302.05442; words and picture in one sequence, Esser et al. 2024, arXiv:2403.03206, here with
one set of weights for both.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from lowdiff.models.attention import attend
from lowdiff.models.denoiser import TextDenoiser
from lowdiff.models.layers import pad_to_multiple, zero_init
from lowdiff.models.rotary import angles_2d
from lowdiff.models.text import Text


@dataclass(frozen=True)
class DitConfig:
    """The shape of a diffusion transformer.

    Attributes:
        latent_channels: channels of the latents that it denoises.
        width: channels of a token; a multiple of head_width.
        depth: number of blocks.
        head_width: channels per attention head; a multiple of 4.
        patch: latent cells per token along a side, 1 or 2.
        words: how the picture reads: by `cross` attention, or `joint`, in one sequence with it.
        text_width: width of a text token.
        text_layers: layers of an own transformer over the tokens; see `denoiser.TextDenoiser`.
    """

    latent_channels: int = 4
    width: int = 256
    depth: int = 8
    head_width: int = 32
    patch: Literal[1, 2] = 2
    words: Literal["cross", "joint"] = "cross"
    text_width: int = 384
    text_layers: int = 0


class SwiGlu(nn.Module):
    """Two thirds of the usual four times wider layer, gated."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = -(-8 * width // 3 // 32) * 32
        self.wide = nn.Linear(width, 2 * inner)
        self.out = nn.Linear(inner, width)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """Return each token, thought over."""
        gate, value = self.wide(x).chunk(2, dim=-1)
        out: Tensor = self.out(F.silu(gate) * value)
        return out


class Block(nn.Module):
    """Attention and a gated layer, both scaled, shifted and weighed by the condition.

    The weights (adaLN-Zero) and the way back from the words start at zero, so a new block is the
    identity.
    """

    def __init__(self, config: DitConfig, token_width: int) -> None:
        super().__init__()
        width = config.width
        self.heads = width // config.head_width
        self.modulate = zero_init(nn.Linear(width, 6 * width))
        self.project = nn.Linear(width, 3 * width)
        self.look = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.full((self.heads,), config.head_width**0.5))
        self.think = SwiGlu(width)
        self.query: nn.Linear | None = None
        if config.words == "cross":
            self.query = nn.Linear(width, width)
            self.words = nn.Linear(token_width, 2 * width)
            self.read = zero_init(nn.Linear(width, width))
            self.read_scale = nn.Parameter(torch.full((self.heads,), config.head_width**0.5))

    def forward(
        self,
        x: Float[Tensor, "b n d"],
        condition: Float[Tensor, "b d"],
        angles: Float[Tensor, "n half"],
        mask: Bool[Tensor, "b n"] | None,
        text: Text,
    ) -> Float[Tensor, "b n d"]:
        """Return the sequence one block later.

        Args:
            mask: True where a token may be looked at; None for all.
        """
        parts = self.modulate(condition).float()[:, None].chunk(6, dim=-1)
        scale_look, shift_look, weight_look, scale_think, shift_think, weight_think = parts
        h = torch.addcmul(shift_look, rms_norm(x), 1 + scale_look)
        query, key, value = self.project(h).chunk(3, dim=-1)
        found = attend(
            query, key, value, heads=self.heads, scale=self.scale, mask=mask, angles=angles
        )
        x = torch.addcmul(x, weight_look, self.look(found).float())
        if self.query is not None:
            key, value = self.words(text.tokens).chunk(2, dim=-1)
            query = self.query(rms_norm(x))
            x = x + self.read(
                attend(query, key, value, heads=self.heads, scale=self.read_scale, mask=text.mask)
            )
        h = torch.addcmul(shift_think, rms_norm(x), 1 + scale_think)
        return torch.addcmul(x, weight_think, self.think(h).float())


class Dit(TextDenoiser):
    """Patches of latents as a sequence, with the words beside or inside it.

    A new network predicts zero.
    """

    def __init__(self, config: DitConfig) -> None:
        super().__init__(
            text_width=config.text_width,
            condition_width=config.width,
            text_layers=config.text_layers,
        )
        self.config = config
        cells = config.latent_channels * config.patch**2
        self.patches = nn.Linear(cells, config.width)
        self.words = nn.Linear(self.token_width, config.width) if config.words == "joint" else None
        self.blocks = nn.ModuleList(Block(config, self.token_width) for _ in range(config.depth))
        self.modulate = zero_init(nn.Linear(config.width, 2 * config.width))
        self.out = zero_init(nn.Linear(config.width, cells))

    def forward(
        self, x_t: Float[Tensor, "b c h w"], t: Float[Tensor, " b"], text: Text
    ) -> Float[Tensor, "b c h w"]:
        """See `Denoiser.forward`."""
        height, width = x_t.shape[-2:]
        text, condition = self.condition(t, text)
        rows, columns = -(-height // self.config.patch), -(-width // self.config.patch)
        folded = F.pixel_unshuffle(pad_to_multiple(x_t, self.config.patch), self.config.patch)
        x = self.patches(folded.flatten(2).transpose(1, 2)).float()
        angles = angles_2d(rows, columns, self.config.head_width, device=x.device)
        mask, count = None, 0
        if self.words is not None:
            count = text.mask.shape[1]
            x = torch.cat([self.words(text.tokens).float(), x], dim=1)
            # words stand nowhere in the picture: they are not rotated
            angles = F.pad(angles, (0, 0, count, 0))
            mask = F.pad(text.mask, (0, x.shape[1] - count), value=True)
        for block in self.blocks:
            x = block(x, condition, angles, mask, text)
        scale, shift = self.modulate(condition).float()[:, None].chunk(2, dim=-1)
        x = self.out(torch.addcmul(shift, rms_norm(x[:, count:]), 1 + scale)).float()
        cells = x.transpose(1, 2).reshape(folded.shape)
        return F.pixel_shuffle(cells, self.config.patch)[..., :height, :width]


def rms_norm(x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
    """Each token at a root mean square of one, computed in float32."""
    x = x.float()
    return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + 1e-6)
