"""The story's first three denoisers: a U-Net of four levels with more and more help.

They are rebuilt from its words and figures, to be compared with, not to be recommended:
`attention` has plain double convolutions, skips and one cross-attention at the bottleneck,
`multi_attention` has self- and cross-attention in every level of both paths, and `residual` is
`attention` with residual connections around each double convolution of both paths (He et al. 2015,
arXiv:1512.03385). Batch normalisation, which such networks often have, is group normalisation here:
a picture must not depend on its neighbours in a batch.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.models.attention import Attention, CrossAttention
from lowdiff.models.denoiser import TextDenoiser
from lowdiff.models.layers import GroupNorm, pad_to_multiple
from lowdiff.models.text import Text


@dataclass(frozen=True)
class StoryConfig:
    """The shape of one of the story's U-Nets.

    Attributes:
        latent_channels: channels of the latents that it denoises.
        channels: feature channels per level, finest first.
        head_width: channels per attention head.
        condition_width: width of the vector of time and pooled text.
        text_width: width of a text token.
        text_layers: layers of an own transformer over the tokens; see `denoiser.TextDenoiser`.
    """

    latent_channels: int = 3
    channels: tuple[int, ...] = (64, 128, 256, 256)
    head_width: int = 32
    condition_width: int = 256
    text_width: int = 384
    text_layers: int = 0


class DoubleConv(nn.Module):
    """Two plain convolutions; time and pooled text are added between them.

    Args:
        residual: the input (or its 1 x 1 shortcut) is added to the output.
    """

    def __init__(
        self, channels: int, channels_out: int, condition_width: int, *, residual: bool
    ) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(channels, channels_out, 3, padding=1)
        self.norm_in = GroupNorm(channels_out)
        self.shift = nn.Linear(condition_width, channels_out)
        self.conv_out = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.norm_out = GroupNorm(channels_out)
        self.shortcut: nn.Module | None = None
        if residual:
            same = channels == channels_out
            self.shortcut = nn.Identity() if same else nn.Conv2d(channels, channels_out, 1)

    def forward(
        self, x: Float[Tensor, "b c h w"], condition: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b e h w"]:
        """Return features of the same resolution."""
        h = F.gelu(self.norm_in(self.conv_in(x)))
        h = h + self.shift(condition)[:, :, None, None]
        h = F.gelu(self.norm_out(self.conv_out(h)))
        return h if self.shortcut is None else h + self.shortcut(x)


class Level(nn.Module):
    """A double convolution, and attention to the picture and the words where it is asked for."""

    def __init__(
        self,
        config: StoryConfig,
        channels: int,
        channels_out: int,
        *,
        token_width: int,
        looks: bool,
        reads: bool,
        residual: bool,
    ) -> None:
        super().__init__()
        head = min(config.head_width, channels_out)
        self.block = DoubleConv(channels, channels_out, config.condition_width, residual=residual)
        self.look = Attention(channels_out, head_width=head) if looks else None
        self.read = CrossAttention(channels_out, token_width, head_width=head) if reads else None

    def forward(
        self, x: Float[Tensor, "b c h w"], condition: Float[Tensor, "b d"], text: Text
    ) -> Float[Tensor, "b e h w"]:
        """Return features of the same resolution."""
        x = self.block(x, condition)
        if self.look is not None:
            x = self.look(x)
        if self.read is not None:
            x = self.read(x, text)
        return x


class StoryUnet(TextDenoiser):
    """An encoder and a decoder of four levels each, with skip connections between them.

    Args:
        everywhere: attention in every level of both paths, not at the bottleneck alone.
        residual: residual connections around every double convolution.
    """

    def __init__(self, config: StoryConfig, *, everywhere: bool, residual: bool) -> None:
        super().__init__(
            text_width=config.text_width,
            condition_width=config.condition_width,
            text_layers=config.text_layers,
        )
        self.config = config
        sizes = config.channels
        self.down, self.up, self.grow = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()

        def level(channels: int, channels_out: int, *, looks: bool, reads: bool) -> Level:
            return Level(
                config, channels, channels_out, token_width=self.token_width, looks=looks,
                reads=reads, residual=residual,
            )  # fmt: skip

        before = config.latent_channels
        for channels in sizes:
            self.down.append(level(before, channels, looks=everywhere, reads=everywhere))
            before = channels
        self.middle = level(before, before, looks=everywhere, reads=True)
        for channels in reversed(sizes):
            self.grow.append(nn.ConvTranspose2d(before, channels, 2, stride=2))
            self.up.append(level(2 * channels, channels, looks=everywhere, reads=everywhere))
            before = channels
        self.out = nn.Conv2d(before, config.latent_channels, 1)

    def forward(
        self, x_t: Float[Tensor, "b c h w"], t: Float[Tensor, " b"], text: Text
    ) -> Float[Tensor, "b c h w"]:
        """See `Denoiser.forward`."""
        height, width = x_t.shape[-2:]
        text, condition = self.condition(t, text)
        x = pad_to_multiple(x_t, 2 ** len(self.config.channels))
        x = x.contiguous(memory_format=torch.channels_last)
        kept = list[Tensor]()
        for level in self.down:
            x = level(x, condition, text)
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = self.middle(x, condition, text)
        for grow, level in zip(self.grow, self.up, strict=True):
            x = level(torch.cat([grow(x), kept.pop()], dim=1), condition, text)
        out: Tensor = self.out(x).float()
        return out[..., :height, :width]
