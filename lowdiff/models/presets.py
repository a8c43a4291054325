"""Named sizes of model and training; a run folder keeps every value as JSON."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from lowdiff.errors import InputError
from lowdiff.models.context_unet import ContextConfig
from lowdiff.models.linear_vae import LinearConfig
from lowdiff.models.objectives.objective import OBJECTIVES
from lowdiff.models.recipes import AugmentConfig as AugmentConfig
from lowdiff.models.recipes import Preset as Preset
from lowdiff.models.recipes import SampleConfig as SampleConfig
from lowdiff.models.recipes import TrainConfig as TrainConfig
from lowdiff.models.recipes import UnetRecipe as UnetRecipe
from lowdiff.models.recipes import VaeRecipe as VaeRecipe
from lowdiff.models.unet import UnetConfig
from lowdiff.models.vae import VaeConfig

KEPT_STDS = (0.05, 0.10)
"""Spans of the averages that denoisers keep; any other is made from their snapshots."""

SIZES: dict[str, tuple[tuple[int, ...], int, float]] = {
    "5m": ((64, 96, 160), 1, 0.25),
    "20m": ((96, 192, 288), 2, 0.25),
    "60m": ((128, 256, 384), 2, 0.13),
}
"""Channels, blocks per level and dropout of the denoisers for GPUs, by about their parameters.

How soon a model copies its training images grows with its size and falls with their number, so few
images get a small model and more dropout (0.25 and 0.13 as Karras et al. 2022, arXiv:2206.00364,
table 7, took them for sets of some 15,000 and 50,000 small images).
"""


def demo() -> Preset:
    """64-pixel images, 4 x 16 x 16 latents: minutes on two cores, for about a thousand images."""
    return Preset(
        name="demo",
        image_px=64,
        vae=VaeRecipe(
            model=VaeConfig(channels=(32, 96), encoder_blocks=(1, 1), decoder_blocks=(2, 2)),
            train=TrainConfig(
                steps=500,
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
            # the kept averages are updated at every second step: two cost what one did
            train=TrainConfig(
                steps=1500,
                continue_steps=500,
                batch_size=32,
                learning_rate=2e-3,
                ema_stds=KEPT_STDS,
                ema_every=2,
                snapshot_every=200,
            ),
        ),
    )


def article() -> Preset:
    """The story's own way, to be compared with: linear VAE, Context U-Net, noise on 500 steps.

    Faithful in shape (3 x 32 x 32 latents through a linear layer, context and time on both ways)
    and in recipe (the noise is predicted, batches of 100, Adam's rate of 1e-3 without warm-up, no
    caption in short form); smaller images, so that it trains beside `demo`. It had no average of
    the weights: the shortest one stands for that.
    """
    plan = TrainConfig(
        steps=600,
        continue_steps=200,
        batch_size=100,
        learning_rate=1e-3,
        warmup_share=0.0,
        cooldown_share=1.0,
        weight_decay=0.0,
        ema_std=0.01,
        validate_every=200,
        sample_every=200,
    )
    return Preset(
        name="article",
        image_px=64,
        vae=VaeRecipe(
            model=LinearConfig(image_px=64, latent_side=32, latent_channels=3),
            arch="linear",
            train=plan,
            losses={"mse": 1.0, "kl": 1e-3},
        ),
        unet=UnetRecipe(
            model=ContextConfig(latent_channels=3),
            arch="context",
            train=replace(plan, steps=2000, continue_steps=500),
            objective=OBJECTIVES["story"],
            short_caption=0.0,
        ),
    )


def tiny() -> Preset:
    """A few steps of a few thousand parameters: for tests, not for pictures."""
    vae = TrainConfig(
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
            train=vae,
        ),
        unet=UnetRecipe(
            model=UnetConfig(
                channels=(16, 32), attention_levels=(1,), head_width=16, condition_width=32
            ),
            train=replace(vae, ema_stds=KEPT_STDS, ema_every=2, snapshot_every=4),
        ),
        samples=SampleConfig(count=4, steps=2),
        validation_images=8,
    )


def base256(size: str = "60m") -> Preset:
    """256-pixel pictures of any shape, 4 x 32 x 32 latents, for a GPU of 8 GB or more."""
    return Preset(
        name=_sized("base256", size),
        image_px=256,
        buckets=True,
        vae=VaeRecipe(
            model=VaeConfig(
                channels=(64, 128, 256), encoder_blocks=(1, 2, 2), decoder_blocks=(2, 3, 3)
            ),
            train=TrainConfig(
                steps=20_000,
                continue_steps=5_000,
                batch_size=32,
                learning_rate=4e-4,
                ema_std=0.05,
                log_every=50,
                checkpoint_every=500,
                validate_every=2_000,
                sample_every=2_000,
            ),
        ),
        unet=_big_unet(size, steps=40_000, batch_size=128),
    )


def pro800(size: str = "60m") -> Preset:
    """800-pixel pictures of any shape, 16 x 50 x 50 latents, for a GPU of 24 GB or more.

    The autoencoder keeps one latent value per 48 pixel values, as the usual ones do; it learns from
    squares of 256 pixels at several scales and, being convolutional, serves any size.
    """
    small = base256(size)
    return replace(
        small,
        name=_sized("pro800", size),
        image_px=800,
        vae=VaeRecipe(
            model=VaeConfig(
                channels=(128, 256, 384),
                encoder_blocks=(1, 2, 2),
                decoder_blocks=(2, 3, 3),
                latent_channels=16,
                patch=4,
            ),
            train=replace(small.vae.train, steps=30_000),
            crop_px=256,
            crop_shares=(0.32, 0.6, 1.0),
        ),
        unet=_big_unet(size, steps=40_000, batch_size=64, latent_channels=16, shift=1.6),
    )


def _sized(name: str, size: str) -> str:
    return name if size == "60m" else f"{name}-{size}"


def _big_unet(
    size: str, *, steps: int, batch_size: int, latent_channels: int = 4, shift: float = 1.0
) -> UnetRecipe:
    """A denoiser for GPUs.

    Args:
        shift: practises the noisy end more, as larger latents need.
    """
    channels, blocks, dropout = SIZES[size]
    return UnetRecipe(
        model=UnetConfig(
            latent_channels=latent_channels, channels=channels, blocks=blocks, dropout=dropout
        ),
        train=TrainConfig(
            steps=steps,
            continue_steps=steps // 4,
            batch_size=batch_size,
            learning_rate=4e-4,
            ema_stds=KEPT_STDS,
            patience=0.1,
            log_every=50,
            checkpoint_every=500,
            validate_every=steps // 20,
            sample_every=steps // 20,
            snapshot_every=steps // 20,
        ),
        objective=replace(OBJECTIVES["flow"], shift=shift),
        shuffled_caption=0.2,
    )


PRESETS: dict[str, Callable[[], Preset]] = {
    "article": article,
    "demo": demo,
    "tiny": tiny,
    **{_sized("base256", size): partial(base256, size) for size in SIZES},
    **{_sized("pro800", size): partial(pro800, size) for size in SIZES},
}
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
