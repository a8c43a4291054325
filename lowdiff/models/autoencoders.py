"""Every autoencoder by its name in a run's config."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lowdiff.errors import InputError
from lowdiff.models.configs import from_json
from lowdiff.models.diffusers_vae import DiffusersVae, DiffusersVaeConfig
from lowdiff.models.linear_vae import LinearConfig, LinearVae
from lowdiff.models.plain_vae import PlainAutoencoder
from lowdiff.models.vae import AutoencoderConfig, Vae, VaeConfig

FACTORS = (4, 8, 16)
LATENT_CHANNELS = range(1, 65)
LEAST_PX = 8
"""The story's convolutions halve an image until its side is about so long."""


class Size(NamedTuple):
    """What a user says of an autoencoder.

    Attributes:
        factor: pixels per latent cell along one side, one of `FACTORS`.
        latent_channels: channels of a latent.
        width: channels of the finest resolution.
        image_px: side of the images.
    """

    factor: int
    latent_channels: int
    width: int
    image_px: int


@dataclass(frozen=True)
class AutoencoderKind:
    """How to make one kind of autoencoder.

    Attributes:
        config: the class of its configuration.
        build: a new autoencoder from such a configuration.
        sized: a configuration from what a user says.
    """

    config: type[Any]
    build: Callable[[Any], Vae]
    sized: Callable[[Size], AutoencoderConfig]


def _conv(size: Size) -> VaeConfig:
    """No convolution runs at full resolution: 2 x 2 pixels are one cell, 4 x 4 for factor 16."""
    patch = 4 if size.factor == 16 else 2
    levels = {4: 2, 8: 3, 16: 3}[size.factor]
    return VaeConfig(
        channels=tuple(size.width * min(2**level, 4) for level in range(levels)),
        encoder_blocks=(1,) * levels,
        decoder_blocks=(2,) * levels,
        latent_channels=size.latent_channels,
        patch=patch,
    )


def _linear(size: Size) -> LinearConfig:
    """The story's 32 x 32 cells; the images are halved until some eight cells are left."""
    side = min(32, size.image_px // 2)
    halvings = max(2, (max(size.image_px // LEAST_PX, 1)).bit_length() - 1)
    return LinearConfig(
        image_px=size.image_px,
        latent_side=side,
        latent_channels=size.latent_channels,
        channels=(size.width, *(2 * size.width for _ in range(halvings - 1))),
    )


def _diffusers(size: Size) -> DiffusersVaeConfig:
    levels = {4: 3, 8: 4, 16: 5}[size.factor]
    return DiffusersVaeConfig(
        channels=(size.width, *(2 * size.width for _ in range(levels - 1))),
        latent_channels=size.latent_channels,
    )


AUTOENCODERS: dict[str, AutoencoderKind] = {
    "conv": AutoencoderKind(VaeConfig, Vae, _conv),
    "linear": AutoencoderKind(LinearConfig, LinearVae, _linear),
    "plain": AutoencoderKind(VaeConfig, PlainAutoencoder, _conv),
    "diffusers": AutoencoderKind(DiffusersVaeConfig, DiffusersVae, _diffusers),
}
"""Every kind by its name; a run's config without a name means `conv`."""


def find_autoencoder(arch: str) -> AutoencoderKind:
    """The kind of autoencoder of this name.

    Raises:
        InputError: there is none.
    """
    if arch not in AUTOENCODERS:
        raise InputError(
            f"autoencoder {arch}",
            "is not known",
            reason="unknown_autoencoder",
            allowed=", ".join(sorted(AUTOENCODERS)),
        )
    return AUTOENCODERS[arch]


def sized_autoencoder(arch: str, size: Size) -> AutoencoderConfig:
    """The configuration of an autoencoder from what a user says.

    Raises:
        InputError: there is no such autoencoder, factor or number of channels.
    """
    kind = find_autoencoder(arch)
    if size.factor not in FACTORS:
        raise InputError(
            "factor", "is not known", reason="bad_factor", found=size.factor,
            allowed=", ".join(map(str, FACTORS)),
        )  # fmt: skip
    if size.latent_channels not in LATENT_CHANNELS:
        raise InputError(
            "latent channels", "are out of range", reason="bad_latent_channels",
            found=size.latent_channels, allowed="1 to 64; 3 to 16 suit most images",
        )  # fmt: skip
    return kind.sized(size)


def build_autoencoder(
    arch: str, model: AutoencoderConfig | Mapping[str, Any], *, item: object = "config"
) -> Vae:
    """A new autoencoder of this name, with random weights.

    Args:
        model: its configuration, as a dataclass or as what `config.json` holds.
        item: what errors speak of.

    Raises:
        InputError: there is no such autoencoder.
        ContractError: the configuration belongs to another one.
    """
    kind = find_autoencoder(arch)
    config = from_json(kind.config, model, item=item) if isinstance(model, Mapping) else model
    return kind.build(config)
