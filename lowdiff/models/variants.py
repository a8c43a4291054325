"""A preset with another autoencoder, denoiser or text encoder than its own."""

from dataclasses import replace
from typing import Any

from lowdiff.models.autoencoders import Size, find_autoencoder, sized_autoencoder
from lowdiff.models.denoisers import find_denoiser
from lowdiff.models.encoders import find_encoder
from lowdiff.models.recipes import Preset
from lowdiff.models.vae import VaeConfig

USUAL_WIDTH = 64
READER_LAYERS = 2
"""Of the denoiser's own transformer over tokens that only spell."""


def with_denoiser(preset: Preset, arch: str) -> Preset:
    """The preset with another kind of denoiser, about as wide as its own.

    Raises:
        InputError: there is no such kind.
    """
    kind = find_denoiser(arch)
    if arch == preset.unet.arch:
        return preset
    channels = getattr(preset.unet.model, "channels", None)
    model: Any = kind.sized(channels[0] if channels else USUAL_WIDTH)
    return replace(preset, unet=replace(preset.unet, arch=arch, model=model))


def with_text(preset: Preset, name: str) -> Preset:
    """The preset with another text encoder; one that only spells comes with layers that read.

    Raises:
        InputError: there is no such encoder.
    """
    find_encoder(name)
    model: Any = preset.unet.model
    if "bytes" in name.split("+") and getattr(model, "text_layers", None) == 0:
        model = replace(model, text_layers=READER_LAYERS)
    return replace(preset, unet=replace(preset.unet, text_encoder=name, model=model))


def with_autoencoder(
    preset: Preset,
    *,
    arch: str | None = None,
    latent_channels: int | None = None,
    factor: int | None = None,
) -> Preset:
    """The preset with another autoencoder; what is None stays as it is where it can.

    Raises:
        InputError: there is no such autoencoder, factor or number of channels.
    """
    recipe = preset.vae
    own: Any = recipe.model
    kind = arch or recipe.arch
    size = Size(
        factor or (own.factor if own.factor in (4, 8, 16) else 4),
        latent_channels or own.latent_channels,
        own.channels[0],
        preset.image_px,
    )
    model = sized_autoencoder(kind, size)
    if (
        isinstance(own, VaeConfig)
        and find_autoencoder(kind).config is VaeConfig
        and own.factor == size.factor
    ):
        model = replace(own, latent_channels=size.latent_channels)
    return replace(preset, vae=replace(recipe, arch=kind, model=model))
