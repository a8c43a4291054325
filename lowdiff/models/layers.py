"""The few layers that the autoencoder and the denoiser share.

Precision: normalisation is always computed in float32. Under CPU autocast a bfloat16 group norm is
several times slower than a float32 one, and on every device it is less exact; convolutions and
linear layers around it may run in bfloat16.
"""

from typing import TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def zero_init(module: M) -> M:
    """Set all parameters of a layer to zero, so that a residual branch starts as nothing."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


class GroupNorm(nn.GroupNorm):
    """Group normalisation (Wu & He 2018, arXiv:1803.08494), always computed in float32."""

    def __init__(self, channels: int, *, affine: bool = True) -> None:
        super().__init__(group_count(channels), channels, affine=affine)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Normalise each group of channels of each image."""
        return F.group_norm(x.float(), self.num_groups, self.weight, self.bias, self.eps)


def group_count(channels: int, *, group_width: int = 16) -> int:
    """The number of groups, about `group_width` channels wide, that divides `channels`."""
    wanted = max(1, channels // group_width)
    return next(count for count in range(wanted, 0, -1) if channels % count == 0)


class Downsample(nn.Module):
    """Halve width and height: every 2 x 2 pixels become one, then a 1 x 1 convolution mixes."""

    def __init__(self, channels: int, channels_out: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(4 * channels, channels_out, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        """Sides must be even."""
        out: Tensor = self.mix(F.pixel_unshuffle(x, 2))
        return out


class Upsample(nn.Module):
    """Double width and height: a 1 x 1 convolution makes the four pixels, a shuffle places them.

    All four start equal, so that a new network draws no checkerboard (Aitken et al. 2017,
    arXiv:1707.02937).
    """

    def __init__(self, channels: int, channels_out: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(channels, 4 * channels_out, 1)
        with torch.no_grad():
            for parameter in self.spread.parameters():
                parameter.copy_(parameter[::4].repeat_interleave(4, dim=0))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        """Return twice the width and height."""
        return F.pixel_shuffle(self.spread(x), 2)


def pad_to_multiple(x: Float[Tensor, "b c h w"], multiple: int) -> Float[Tensor, "b c h2 w2"]:
    """Repeat the right and lower edge until both sides are multiples of `multiple`."""
    height, width = x.shape[-2:]
    below, right = -height % multiple, -width % multiple
    return F.pad(x, (0, right, 0, below), mode="replicate") if below or right else x
