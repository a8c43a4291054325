"""diffusers' UNet2DConditionModel behind our contract: the bar to beat, and the way to export.

Needs the extra `lowdiff[diffusers]`.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.errors import ContractError
from lowdiff.models.denoiser import Denoiser
from lowdiff.models.layers import pad_to_multiple
from lowdiff.models.text import Text

TIME_SCALE = 1000.0
"""Their time counts training steps; ours runs from 0 to 1."""


@dataclass(frozen=True)
class DiffusersConfig:
    """The shape of a UNet2DConditionModel.

    Attributes:
        latent_channels: channels of the latents that it denoises.
        channels: feature channels per resolution, finest first.
        blocks: residual blocks per resolution.
        attention_levels: resolutions (0 is the finest) with attention; their default is all but
            the coarsest.
        head_width: channels per attention head.
        text_width: width of a text token.
    """

    latent_channels: int = 4
    channels: tuple[int, ...] = (64, 128, 256)
    blocks: int = 2
    attention_levels: tuple[int, ...] = (0, 1)
    head_width: int = 32
    text_width: int = 384


class DiffusersUnet(Denoiser):
    """Their U-Net; a left out caption is a learned token, as in our own."""

    def __init__(self, config: DiffusersConfig) -> None:
        super().__init__()
        self.config = config
        self.no_token = nn.Parameter(torch.randn(config.text_width))
        self.unet = _unet_2d_condition(config)

    def forward(
        self, x_t: Float[Tensor, "b c h w"], t: Float[Tensor, " b"], text: Text
    ) -> Float[Tensor, "b c h w"]:
        """See `Denoiser.forward`."""
        height, width = x_t.shape[-2:]
        absent = ~text.mask.any(dim=1)
        stand_in = self.no_token.expand(len(absent), 1, -1)
        out: Tensor = self.unet(
            pad_to_multiple(x_t, 2 ** (len(self.config.channels) - 1)),
            t.float() * TIME_SCALE,
            torch.cat([stand_in, text.tokens.float()], dim=1),
            encoder_attention_mask=torch.cat([absent[:, None], text.mask], dim=1),
            return_dict=False,
        )[0].float()
        return out[..., :height, :width]


def _unet_2d_condition(config: DiffusersConfig) -> Any:
    try:
        from diffusers import UNet2DConditionModel
    except ImportError as error:
        raise ContractError(
            "denoiser diffusers",
            "needs the package diffusers",
            reason="extra_missing",
            do="Install it with `pip install 'lowdiff[diffusers]'`.",
        ) from error
    levels = range(len(config.channels))
    attends = [level in config.attention_levels for level in levels]
    down = ["CrossAttnDownBlock2D" if yes else "DownBlock2D" for yes in attends]
    up = ["CrossAttnUpBlock2D" if yes else "UpBlock2D" for yes in reversed(attends)]
    return UNet2DConditionModel(  # type: ignore[no-untyped-call]
        in_channels=config.latent_channels,
        out_channels=config.latent_channels,
        block_out_channels=config.channels,
        down_block_types=tuple(down),
        up_block_types=tuple(up),
        layers_per_block=config.blocks,
        cross_attention_dim=config.text_width,
        # what they call the width of a head counts heads for one class of theirs and channels for
        # another; per level, it is the number of heads here
        attention_head_dim=tuple(max(1, n // config.head_width) for n in config.channels),
        norm_num_groups=math.gcd(32, *config.channels),
    )
