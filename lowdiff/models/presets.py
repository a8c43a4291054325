"""Named sizes of model and training; a run folder keeps every value as JSON."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lowdiff.errors import InputError
from lowdiff.models.denoiser import DenoiserConfig
from lowdiff.models.objectives.objective import OBJECTIVES, ObjectiveConfig
from lowdiff.models.unet import UnetConfig
from lowdiff.models.vae import VaeConfig


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast to train. Steps, not minutes, are fixed: the result is the same.

    Attributes:
        steps: optimiser steps of a new run.
        continue_steps: steps of a run that starts from a parent's weights.
        batch_size: images per step.
        learning_rate: of AdamW, between warm-up and cool-down.
        warmup_share: part of the steps in which the rate rises from zero.
        cooldown_share: part of the steps, at the end, in which it falls to zero.
        weight_decay: of AdamW.
        clip_norm: gradients longer than this are shortened.
        ema_std: span of the weight average as a share of the run; see `models.ema`.
        log_every: steps between lines of metrics.
        checkpoint_every: steps between checkpoints, a multiple of log_every.
        validate_every: steps between validation losses, a multiple of log_every.
        sample_every: steps between sample grids, a multiple of log_every.
    """

    steps: int
    continue_steps: int
    batch_size: int
    learning_rate: float
    warmup_share: float = 0.02
    cooldown_share: float = 0.4
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    ema_std: float = 0.08
    log_every: int = 20
    checkpoint_every: int = 100
    validate_every: int = 500
    sample_every: int = 500

    def __post_init__(self) -> None:
        for name in ("checkpoint_every", "validate_every", "sample_every"):
            if getattr(self, name) % self.log_every:
                raise ValueError(f"{name} must be a multiple of log_every ({self.log_every})")


@dataclass(frozen=True)
class VaeRecipe:
    """An autoencoder and its training.

    Attributes:
        kl_weight: weight of the KL term, in nats per pixel value.
        l1_weight: weight of the mean absolute error beside the mean squared error; keeps flat
            colours flat.
        edge_weight: weight of the mean absolute error of differences between neighbours.
    """

    model: VaeConfig
    train: TrainConfig
    kl_weight: float = 1e-2
    l1_weight: float = 0.3
    edge_weight: float = 0.3


@dataclass(frozen=True)
class UnetRecipe:
    """A denoiser and its training.

    Attributes:
        model: of the class that goes with `arch`; its latent channels and text width are set to
            those of the autoencoder and the text encoder when training starts.
        arch: a name in `models.denoisers.DENOISERS`.
        objective: what is learned; `models.objectives.objective.OBJECTIVES` names some.
        text_encoder: a name in `models.encoders.ENCODERS`.
        drop_caption: share of captions left out, which guidance needs.
        short_caption: share of captions cut to the part before the first comma.
    """

    model: DenoiserConfig
    train: TrainConfig
    arch: str = "unet"
    objective: ObjectiveConfig = OBJECTIVES["flow"]
    text_encoder: str = "minilm"
    drop_caption: float = 0.1
    short_caption: float = 0.5


@dataclass(frozen=True)
class SampleConfig:
    """The pictures drawn along the way.

    Attributes:
        prompts: always drawn, before captions of the validation split.
        count: pictures in a grid.
    """

    prompts: tuple[str, ...] = ("a raccoon",)
    count: int = 12
    steps: int = 12
    guidance: float = 2.0


@dataclass(frozen=True)
class Preset:
    """Everything that `lowdiff train` needs to know besides the data.

    Attributes:
        image_px: side of the square that images are fitted into.
        validation_images: at most so many images per split take part in a validation loss.
    """

    name: str
    image_px: int
    vae: VaeRecipe
    unet: UnetRecipe
    samples: SampleConfig = field(default_factory=SampleConfig)
    validation_images: int = 128


def demo() -> Preset:
    """64-pixel images, 4 x 16 x 16 latents: minutes on two cores, for about a thousand images."""
    return Preset(
        name="demo",
        image_px=64,
        vae=VaeRecipe(
            model=VaeConfig(channels=(32, 96), encoder_blocks=(1, 1), decoder_blocks=(2, 2)),
            train=TrainConfig(
                steps=600,
                continue_steps=200,
                batch_size=32,
                learning_rate=2e-3,
                cooldown_share=0.7,
                ema_std=0.05,
                validate_every=200,
                sample_every=200,
            ),
        ),
        unet=UnetRecipe(
            model=UnetConfig(channels=(64, 128, 192)),
            train=TrainConfig(steps=2000, continue_steps=500, batch_size=32, learning_rate=2e-3),
        ),
    )


def tiny() -> Preset:
    """A few steps of a few thousand parameters: for tests, not for pictures."""
    short = TrainConfig(
        steps=12,
        continue_steps=6,
        batch_size=4,
        learning_rate=2e-3,
        log_every=2,
        checkpoint_every=4,
        validate_every=6,
        sample_every=12,
    )
    return Preset(
        name="tiny",
        image_px=32,
        vae=VaeRecipe(
            model=VaeConfig(channels=(16, 16), encoder_blocks=(1, 1), decoder_blocks=(1, 1)),
            train=short,
        ),
        unet=UnetRecipe(
            model=UnetConfig(
                channels=(16, 32), attention_levels=(1,), head_width=16, condition_width=32
            ),
            train=short,
        ),
        samples=SampleConfig(count=4, steps=2),
        validation_images=8,
    )


def base256() -> Preset:
    """256-pixel images, 4 x 32 x 32 latents, for a GPU; sized on paper, never measured."""
    return Preset(
        name="base256",
        image_px=256,
        vae=VaeRecipe(
            model=VaeConfig(
                channels=(64, 128, 256), encoder_blocks=(1, 2, 2), decoder_blocks=(2, 3, 3)
            ),
            train=TrainConfig(
                steps=20_000,
                continue_steps=5_000,
                batch_size=32,
                learning_rate=4e-4,
                log_every=50,
                checkpoint_every=500,
                validate_every=2_000,
                sample_every=2_000,
            ),
        ),
        unet=UnetRecipe(
            model=UnetConfig(channels=(128, 256, 384), blocks=2, head_width=64, dropout=0.1),
            train=TrainConfig(
                steps=40_000,
                continue_steps=10_000,
                batch_size=128,
                learning_rate=4e-4,
                log_every=50,
                checkpoint_every=500,
                validate_every=2_000,
                sample_every=2_000,
            ),
        ),
    )


PRESETS: dict[str, Callable[[], Preset]] = {"demo": demo, "tiny": tiny, "base256": base256}
"""Every preset by its name."""


def load_preset(name: str) -> Preset:
    """The preset of this name.

    Raises:
        InputError: there is none.
    """
    if name not in PRESETS:
        raise InputError(
            f"preset {name}",
            "is not known",
            reason="unknown_preset",
            allowed=", ".join(sorted(PRESETS)),
        )
    return PRESETS[name]()
