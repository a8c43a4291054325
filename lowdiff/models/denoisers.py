"""Every denoiser by its name in a run's config."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from lowdiff.errors import InputError
from lowdiff.models.configs import from_json
from lowdiff.models.context_unet import ContextConfig, ContextUnet
from lowdiff.models.denoiser import Denoiser, DenoiserConfig
from lowdiff.models.diffusers_unet import DiffusersConfig, DiffusersUnet
from lowdiff.models.dit import Dit, DitConfig
from lowdiff.models.story_unet import StoryConfig, StoryUnet
from lowdiff.models.unet import Unet, UnetConfig


@dataclass(frozen=True)
class DenoiserKind:
    """How to make one kind of denoiser.

    Attributes:
        config: the class of its configuration.
        build: a new denoiser from such a configuration.
        sized: a configuration from the channels of the finest level; the other sizes follow.
    """

    config: type[Any]
    build: Callable[[Any], Denoiser]
    sized: Callable[[int], DenoiserConfig]


def _unet(width: int) -> UnetConfig:
    small = width < SMALL
    return UnetConfig(
        channels=(width, 2 * width) if small else (width, 2 * width, 3 * width),
        attention_levels=(1,) if small else (1, 2),
        head_width=min(32, width),
        condition_width=4 * width,
    )


def _story(width: int) -> StoryConfig:
    return StoryConfig(
        channels=(width, 2 * width, 4 * width, 4 * width),
        head_width=min(32, width),
        condition_width=4 * width,
    )


def _dit(width: int) -> DitConfig:
    return DitConfig(width=3 * width, depth=max(2, 6 * width // 64), head_width=min(32, width))


def _diffusers(width: int) -> DiffusersConfig:
    return DiffusersConfig(
        channels=(width, 2 * width) if width < SMALL else (width, 2 * width, 4 * width),
        head_width=min(32, width),
    )


SMALL = 32
"""Below so many channels it is a network for tests."""

DENOISERS: dict[str, DenoiserKind] = {
    "attention": DenoiserKind(
        StoryConfig, partial(StoryUnet, everywhere=False, residual=False), _story
    ),
    "multi_attention": DenoiserKind(
        StoryConfig, partial(StoryUnet, everywhere=True, residual=False), _story
    ),
    "residual": DenoiserKind(
        StoryConfig, partial(StoryUnet, everywhere=False, residual=True), _story
    ),
    "context": DenoiserKind(
        ContextConfig, ContextUnet, lambda width: ContextConfig(features=width)
    ),
    "unet": DenoiserKind(UnetConfig, Unet, _unet),
    "dit": DenoiserKind(DitConfig, Dit, _dit),
    "diffusers": DenoiserKind(DiffusersConfig, DiffusersUnet, _diffusers),
}
"""Every kind by its name; a run's config without a name means `unet`."""


def find_denoiser(arch: str) -> DenoiserKind:
    """The kind of denoiser of this name.

    Raises:
        InputError: there is none.
    """
    if arch not in DENOISERS:
        raise InputError(
            f"denoiser {arch}",
            "is not known",
            reason="unknown_denoiser",
            allowed=", ".join(sorted(DENOISERS)),
        )
    return DENOISERS[arch]


def build_config(arch: str, model: Mapping[str, Any], *, item: object) -> DenoiserConfig:
    """The configuration of a denoiser from what `config.json` holds.

    Args:
        item: what errors speak of.

    Raises:
        InputError: there is no such denoiser.
        ContractError: the configuration belongs to another one.
    """
    return cast(DenoiserConfig, from_json(find_denoiser(arch).config, model, item=item))


def build_denoiser(
    arch: str, model: DenoiserConfig | Mapping[str, Any], *, item: object = "config"
) -> Denoiser:
    """A new denoiser of this name, with random weights.

    Args:
        model: its configuration, as a dataclass or as what `config.json` holds.
        item: what errors speak of.

    Raises:
        InputError: there is no such denoiser.
        ContractError: the configuration belongs to another one.
    """
    config = build_config(arch, model, item=item) if isinstance(model, Mapping) else model
    return find_denoiser(arch).build(config)


def fitted(config: DenoiserConfig, *, latent_channels: int, text_width: int) -> DenoiserConfig:
    """The configuration for this autoencoder and this text encoder."""
    changed = replace(cast(Any, config), latent_channels=latent_channels, text_width=text_width)
    return cast(DenoiserConfig, changed)
