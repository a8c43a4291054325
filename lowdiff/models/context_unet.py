"""The Context U-Net that the story took from a course: two levels around a vector.

Context and time are turned into factors and summands by small networks and injected as
`c * h + t`. Two things differ from the course's code on purpose: the shortcut of a residual block
is a learned layer, where copies in circulation draw a new random one at every call, and group
normalisation replaces batch normalisation, so that a picture does not depend on its neighbours.
Sources: the short course "How Diffusion Models Work" (2023), after TeaPearce's conditional
diffusion for MNIST; both are described, not copied.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.models.denoiser import Denoiser
from lowdiff.models.layers import GroupNorm, pad_to_multiple
from lowdiff.models.text import Text
from lowdiff.models.text_reader import TextReader

BOTTLENECK = 4
"""Cells along a side of what the vector unfolds into: a quarter of the course's 16."""


@dataclass(frozen=True)
class ContextConfig:
    """The shape of a Context U-Net.

    Attributes:
        latent_channels: channels of the latents that it denoises.
        features: channels of the finer level; the coarser one has twice as many.
        inject: `up` as in the course, or `both` ways as in the story.
        text_width: width of the pooled text, which is the context.
        text_layers: layers of an own transformer over the tokens, whose mean is added to the
            context; for text encoders that only spell.
    """

    latent_channels: int = 3
    features: int = 128
    inject: Literal["up", "both"] = "both"
    text_width: int = 384
    text_layers: int = 0


class DoubleConv(nn.Module):
    """Two convolutions; with `residual`, the input is added and the sum scaled back by √2."""

    def __init__(self, channels: int, channels_out: int, *, residual: bool = False) -> None:
        super().__init__()
        self.first = _conv(channels, channels_out)
        self.second = _conv(channels_out, channels_out)
        self.shortcut: nn.Module | None = None
        if residual:
            same = channels == channels_out
            self.shortcut = nn.Identity() if same else nn.Conv2d(channels, channels_out, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b e h w"]:
        """Return features of the same resolution."""
        out: Tensor = self.second(self.first(x))
        return out if self.shortcut is None else (out + self.shortcut(x)) / 2**0.5


class Embed(nn.Module):
    """A vector to one factor or summand per channel (the course's EmbedFC)."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, channels)
        self.leave = nn.Linear(channels, channels)

    def forward(self, vector: Float[Tensor, "b d"]) -> Float[Tensor, "b c 1 1"]:
        """Return it ready to be broadcast over a feature map."""
        out: Tensor = self.leave(F.gelu(self.enter(vector)))
        return out[:, :, None, None]


class Inject(nn.Module):
    """c * h + t: the context scales each channel, the time shifts it."""

    def __init__(self, context_width: int, channels: int) -> None:
        super().__init__()
        self.context = Embed(context_width, channels)
        self.time = Embed(1, channels)

    def forward(
        self,
        h: Float[Tensor, "b c h w"],
        context: Float[Tensor, "b d"],
        t: Float[Tensor, "b 1"],
    ) -> Float[Tensor, "b c h w"]:
        """Return the features in the light of context and time."""
        out: Tensor = self.context(context) * h + self.time(t)
        return out


class ContextUnet(Denoiser):
    """Two levels down to one vector and up again; of a caption it knows the pooled vector alone.

    Without a caption the context is zero, as in the course.
    """

    def __init__(self, config: ContextConfig) -> None:
        super().__init__()
        self.config = config
        n, width = config.features, config.text_width
        self.reader = (
            TextReader(width, width, layers=config.text_layers) if config.text_layers else None
        )
        self.start = DoubleConv(config.latent_channels, n, residual=True)
        self.down1 = nn.Sequential(DoubleConv(n, n), DoubleConv(n, n), nn.MaxPool2d(2))
        self.down2 = nn.Sequential(DoubleConv(n, 2 * n), DoubleConv(2 * n, 2 * n), nn.MaxPool2d(2))
        self.unfold = nn.ConvTranspose2d(2 * n, 2 * n, BOTTLENECK)
        self.unfold_norm = GroupNorm(2 * n)
        self.up1 = _up(4 * n, n)
        self.up2 = _up(2 * n, n)
        self.out_in = nn.Conv2d(2 * n, n, 3, padding=1)
        self.out_norm = GroupNorm(n)
        self.out = nn.Conv2d(n, config.latent_channels, 3, padding=1)
        on_the_way_down = (n, n) if config.inject == "both" else ()
        self.inject_down = nn.ModuleList(Inject(width, channels) for channels in on_the_way_down)
        self.inject_up = nn.ModuleList(Inject(width, channels) for channels in (2 * n, n))

    def forward(
        self, x_t: Float[Tensor, "b c h w"], t: Float[Tensor, " b"], text: Text
    ) -> Float[Tensor, "b c h w"]:
        """See `Denoiser.forward`."""
        height, width = x_t.shape[-2:]
        context, time = self._context(text), t.float()[:, None]
        x = pad_to_multiple(x_t, 4).contiguous(memory_format=torch.channels_last)
        h = self.start(x)
        kept = [h]
        for level, down in enumerate((self.down1, self.down2)):
            if len(self.inject_down):
                h = self.inject_down[level](h, context, time)
            h = down(h)
            kept.append(h)
        vector = F.gelu(h.float().mean(dim=(2, 3), keepdim=True))
        h = F.relu(self.unfold_norm(self.unfold(vector)))
        h = F.interpolate(h, kept[-1].shape[-2:], mode="nearest")
        for inject, up in zip(self.inject_up, (self.up1, self.up2), strict=True):
            h = up(torch.cat([inject(h, context, time), kept.pop()], dim=1))
        h = self.out_in(torch.cat([h, kept.pop()], dim=1))
        out: Tensor = self.out(F.relu(self.out_norm(h))).float()
        return out[..., :height, :width]

    def _context(self, text: Text) -> Float[Tensor, "b d"]:
        context = text.pooled.float()
        if self.reader is not None:
            context = context + self.reader(text.tokens.float(), text.mask)[1]
        return context * text.mask.any(dim=1, keepdim=True)


def _conv(channels: int, channels_out: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, channels_out, 3, padding=1)
    return nn.Sequential(conv, GroupNorm(channels_out), nn.GELU())


def _up(channels: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(channels, channels_out, 2, stride=2),
        DoubleConv(channels_out, channels_out),
        DoubleConv(channels_out, channels_out),
    )
