"""diffusers' autoencoders behind our contract: AutoencoderKL and AutoencoderTiny.

Needs the extra `lowdiff[diffusers]`.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.errors import ContractError, InputError
from lowdiff.models.vae import MIN_LOG_VARIANCE, Vae

KINDS = {"AutoencoderKL": "kl", "AutoencoderTiny": "tiny"}


@dataclass(frozen=True)
class DiffusersVaeConfig:
    """The shape of one of diffusers' autoencoders.

    Attributes:
        kind: `kl` is Stable Diffusion's, `tiny` a distilled one without a posterior.
        channels: feature channels per resolution, finest first; the factor follows from their
            number.
        blocks: residual blocks per resolution.
        latent_channels: channels of a latent.
    """

    kind: Literal["kl", "tiny"] = "kl"
    channels: tuple[int, ...] = (64, 128, 128, 128)
    blocks: int = 1
    latent_channels: int = 4

    @property
    def factor(self) -> int:
        """Pixels per latent cell along one side."""
        return int(2 ** (len(self.channels) - 1))


class DiffusersVae(Vae):
    """Their encoder and decoder; statistics and sizes are handled by ours."""

    def __init__(self, config: DiffusersVaeConfig) -> None:
        model = _model(config)
        super().__init__(config, encoder=_Half(model, "encode"), decoder=_Half(model, "decode"))
        self.variational = config.kind == "kl"

    def raw_decode(self, raw: Float[Tensor, "b c y x"]) -> Float[Tensor, "b 3 h w"]:
        """See `Vae.raw_decode`."""
        out: Tensor = self.decoder(raw)
        return out.float()


class _Half(nn.Module):
    """One direction of their model; the other half of its parts is dropped."""

    def __init__(self, model: Any, direction: Literal["encode", "decode"]) -> None:
        super().__init__()
        self.net = model.encoder if direction == "encode" else model.decoder
        quant = "quant_conv" if direction == "encode" else "post_quant_conv"
        self.quant = getattr(model, quant, None) or nn.Identity()
        self.direction = direction
        self.tiny = type(model).__name__ == "AutoencoderTiny"

    def forward(self, x: Tensor) -> Tensor:
        """Moments of images, or images of latents."""
        if self.direction == "decode":
            decoded: Tensor = self.net(self.quant(x))
            return decoded
        moments: Tensor = self.quant(self.net(x))
        if not self.tiny:
            return moments
        return torch.cat([moments, moments.new_full(moments.shape, MIN_LOG_VARIANCE)], dim=1)


def pretrained_vae(folder: Path) -> DiffusersVae:
    """An autoencoder with the weights of a folder that diffusers' `save_pretrained` wrote.

    Its latent statistics are not set: measure them on the training images.

    Raises:
        InputError: the folder holds none of the kinds that are known here.
        ContractError: diffusers is not installed.
    """
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = KINDS[told["_class_name"]]
        channels = "block_out_channels" if kind == "kl" else "encoder_block_out_channels"
        config = DiffusersVaeConfig(
            kind="kl" if kind == "kl" else "tiny",
            channels=tuple(told[channels]),
            blocks=int(told.get("layers_per_block", 1)),
            latent_channels=int(told["latent_channels"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            folder, f"holds no autoencoder of diffusers that is known here ({error})",
            reason="no_autoencoder", allowed=", ".join(KINDS),
        ) from error  # fmt: skip
    vae = DiffusersVae(config)
    theirs = _classes()[kind].from_pretrained(folder)
    vae.encoder, vae.decoder = _Half(theirs, "encode"), _Half(theirs, "decode")
    return vae


def _model(config: DiffusersVaeConfig) -> Any:
    kind = _classes()[config.kind]
    if config.kind == "kl":
        levels = len(config.channels)
        return kind(
            block_out_channels=config.channels,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            layers_per_block=config.blocks,
            latent_channels=config.latent_channels,
            norm_num_groups=math.gcd(32, *config.channels),
        )
    levels = len(config.channels)
    return kind(
        encoder_block_out_channels=config.channels,
        decoder_block_out_channels=config.channels,
        num_encoder_blocks=(config.blocks,) * levels,
        num_decoder_blocks=(config.blocks,) * levels,
        latent_channels=config.latent_channels,
    )


def _classes() -> dict[str, Any]:
    try:
        from diffusers import AutoencoderKL, AutoencoderTiny
    except ImportError as error:
        raise ContractError(
            "autoencoder diffusers", "needs the package diffusers", reason="extra_missing",
            do="Install it with `pip install 'lowdiff[diffusers]'`.",
        ) from error  # fmt: skip
    return {"kl": AutoencoderKL, "tiny": AutoencoderTiny}
