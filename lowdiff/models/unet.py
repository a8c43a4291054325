"""The default denoiser: a small U-Net on latents, conditioned on time and text.

Sources: the U-Net of Dhariwal & Nichol 2021, arXiv:2105.05233 (adaptive group norm, outputs that
start at zero, attention only at the coarse levels), text by cross-attention as in Rombach et al.
2022, arXiv:2112.10752, normalised queries and keys as in Dehghani et al. 2023, arXiv:2302.05442.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.models.attention import Attention, CrossAttention
from lowdiff.models.denoiser import TextDenoiser
from lowdiff.models.layers import Downsample, GroupNorm, Upsample, pad_to_multiple, zero_init
from lowdiff.models.text import Text


@dataclass(frozen=True)
class UnetConfig:
    """The shape of a denoiser; the run folder holds it as JSON.

    Attributes:
        latent_channels: channels of the latents that it denoises.
        channels: feature channels per resolution, finest first.
        blocks: residual blocks per resolution and direction.
        attention_levels: resolutions (0 is the finest) with self- and cross-attention.
        head_width: channels per attention head.
        condition_width: width of the vector of time and pooled text.
        text_width: width of a text token.
        dropout: probability inside the blocks of the attention levels.
        text_layers: layers of an own transformer over the tokens; see `denoiser.TextDenoiser`.
        extra_channels: of the input beside the latents (a mask, a picture to complete, a sketch);
            they come after the latents' channels and have no say in a new network.
    """

    latent_channels: int = 4
    channels: tuple[int, ...] = (64, 128, 192)
    blocks: int = 1
    attention_levels: tuple[int, ...] = (1, 2)
    head_width: int = 32
    condition_width: int = 256
    text_width: int = 384
    dropout: float = 0.0
    text_layers: int = 0
    extra_channels: int = 0


class ResBlock(nn.Module):
    """Two convolutions around a skip, scaled and shifted by the condition.

    Scale and shift come after the second norm (AdaGN, Dhariwal & Nichol 2021). The last
    convolution starts at zero, so a new block is the identity (or its 1 x 1 shortcut).
    """

    def __init__(
        self, channels: int, channels_out: int, condition_width: int, *, dropout: float
    ) -> None:
        super().__init__()
        self.norm_in = GroupNorm(channels)
        self.conv_in = nn.Conv2d(channels, channels_out, 3, padding=1)
        self.modulate = nn.Linear(condition_width, 2 * channels_out)
        self.norm_out = GroupNorm(channels_out, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.conv_out = zero_init(nn.Conv2d(channels_out, channels_out, 3, padding=1))
        same = channels == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels, channels_out, 1)

    def forward(
        self, x: Float[Tensor, "b c h w"], condition: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b e h w"]:
        """Return x (or its shortcut) plus a correction."""
        h = self.conv_in(F.silu(self.norm_in(x)))
        scale, shift = self.modulate(condition).float()[:, :, None, None].chunk(2, dim=1)
        h = F.silu(torch.addcmul(shift, self.norm_out(h), 1 + scale))
        out: Tensor = self.shortcut(x) + self.conv_out(self.dropout(h))
        return out


class Stage(nn.Module):
    """A residual block, and attention to the picture and to the words where the level has it."""

    def __init__(
        self, config: UnetConfig, channels: int, channels_out: int, *, level: int, token_width: int
    ) -> None:
        super().__init__()
        attends = level in config.attention_levels
        self.block = ResBlock(
            channels,
            channels_out,
            config.condition_width,
            dropout=config.dropout if attends else 0.0,
        )
        self.look: Attention | None = None
        self.read: CrossAttention | None = None
        if attends:
            self.look = Attention(channels_out, head_width=config.head_width)
            self.read = CrossAttention(channels_out, token_width, head_width=config.head_width)

    def forward(
        self, x: Float[Tensor, "b c h w"], condition: Float[Tensor, "b d"], text: Text
    ) -> Float[Tensor, "b e h w"]:
        """Return features of the same resolution."""
        x = self.block(x, condition)
        if self.look is not None and self.read is not None:
            x = self.read(self.look(x), text)
        return x


class Unet(TextDenoiser):
    """A U-Net with attention at its coarse levels; a new network predicts zero."""

    def __init__(self, config: UnetConfig) -> None:
        super().__init__(
            text_width=config.text_width,
            condition_width=config.condition_width,
            text_layers=config.text_layers,
        )
        self.config = config
        channels_in = config.latent_channels + config.extra_channels
        self.conv_in = nn.Conv2d(channels_in, config.channels[0], 3, padding=1)
        with torch.no_grad():
            self.conv_in.weight[:, config.latent_channels :] = 0
        self._build_levels(config)
        self.norm_out = GroupNorm(config.channels[0])
        self.conv_out = zero_init(
            nn.Conv2d(config.channels[0], config.latent_channels, 3, padding=1)
        )

    def _build_levels(self, config: UnetConfig) -> None:
        # flat lists, `config.blocks` per level, finest level first
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        levels = len(config.channels)
        for level, channels in enumerate(config.channels):
            # the way up joins each block's input with the features of its twin on the way down
            for _ in range(config.blocks):
                self.down.append(self._stage(channels, channels, level))
                self.up.append(self._stage(2 * channels, channels, level))
            if level + 1 < levels:
                self.shrink.append(Downsample(channels, config.channels[level + 1]))
                self.grow.append(Upsample(config.channels[level + 1], channels))
        coarsest = config.channels[-1]
        self.middle = self._stage(coarsest, coarsest, levels - 1)

    def _stage(self, channels: int, channels_out: int, level: int) -> Stage:
        return Stage(self.config, channels, channels_out, level=level, token_width=self.token_width)

    def forward(
        self, x_t: Float[Tensor, "b c_in h w"], t: Float[Tensor, " b"], text: Text
    ) -> Float[Tensor, "b c h w"]:
        """See `Denoiser.forward`."""
        height, width = x_t.shape[-2:]
        text, condition = self.condition(t, text)
        x = pad_to_multiple(x_t, 2 ** (len(self.config.channels) - 1))
        x = self.conv_in(x.contiguous(memory_format=torch.channels_last))
        blocks, kept = self.config.blocks, list[Tensor]()
        for level in range(len(self.config.channels)):
            for stage in self.down[level * blocks : (level + 1) * blocks]:
                x = stage(x, condition, text)
                kept.append(x)
            if level < len(self.shrink):
                x = self.shrink[level](x)
        x = self.middle(x, condition, text)
        for level in reversed(range(len(self.config.channels))):
            for stage in self.up[level * blocks : (level + 1) * blocks]:
                x = stage(torch.cat([x, kept.pop()], dim=1), condition, text)
            if level:
                x = self.grow[level - 1](x)
        out: Tensor = self.conv_out(F.silu(self.norm_out(x))).float()
        return out[..., :height, :width]
