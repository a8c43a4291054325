"""What a preset is made of: how a model is built, how long and how fast it is trained."""

from dataclasses import dataclass, field

from lowdiff.models.denoiser import DenoiserConfig
from lowdiff.models.objectives.objective import OBJECTIVES, ObjectiveConfig
from lowdiff.models.vae import AutoencoderConfig


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
        ema_stds: spans of the averages that are kept; any other is made from their snapshots.
            Default: only `ema_std`.
        ema_every: steps between updates of the averages.
        patience: the run stops when the validation loss of the middle noise bands has not fallen
            for this share of it; 0 never stops it.
        log_every: steps between lines of metrics.
        checkpoint_every: steps between checkpoints, a multiple of log_every.
        validate_every: steps between validation losses, a multiple of log_every.
        sample_every: steps between sample grids, a multiple of log_every.
        snapshot_every: steps between snapshots of the averages, a multiple of log_every; 0: none.
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
    ema_stds: tuple[float, ...] = ()
    ema_every: int = 1
    patience: float = 0.0
    log_every: int = 20
    checkpoint_every: int = 100
    validate_every: int = 500
    sample_every: int = 500
    snapshot_every: int = 0

    def __post_init__(self) -> None:
        for name in ("checkpoint_every", "validate_every", "sample_every", "snapshot_every"):
            if getattr(self, name) % self.log_every:
                raise ValueError(f"{name} must be a multiple of log_every ({self.log_every})")


@dataclass(frozen=True)
class AugmentConfig:
    """Augmented copies of the training images; the denoiser is told what was done to each.

    Attributes:
        share: of the images of a batch that are copies; 0 turns augmentation off.
        copies: of every image that are encoded.
        flip: mirror half of them; refused where images have text.
        scale: at most larger or smaller by this share.
        shift: at most moved by this share of the sides.
        turn_deg: at most turned by so many degrees.
        hue_deg: at most turned by so many degrees in hue.
    """

    share: float = 0.0
    copies: int = 4
    flip: bool = False
    scale: float = 0.2
    shift: float = 0.1
    turn_deg: float = 8.0
    hue_deg: float = 0.0


DEFAULT_LOSSES = {"mse": 1.0, "l1": 0.3, "edge": 0.3, "kl": 1e-2}
"""The squared error, flat colours, sharp edges, and latents that stay small."""


@dataclass(frozen=True)
class VaeRecipe:
    """An autoencoder and its training.

    Attributes:
        model: of the class that goes with `arch`.
        arch: a name in `models.autoencoders.AUTOENCODERS`.
        losses: the weights of what it lowers, by their names in `models.losses.vae`.
        critic_from: share of the steps after which a critic is heard, if there is one.
        crop_px: side of the squares that it learns from; 0: whole images.
        crop_shares: of an image's side that such a square covers; one of them in each step.
    """

    model: AutoencoderConfig
    train: TrainConfig
    arch: str = "conv"
    losses: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_LOSSES))
    critic_from: float = 0.5
    crop_px: int = 0
    crop_shares: tuple[float, ...] = (1.0,)


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
        shuffled_caption: share of the long captions whose clauses stand in another order.
        augment: augmented copies of the images; off by default.
        inpaint: teach it to fill holes: it is told random holes and what is around them, by further
            input channels; see `training.holes`.
    """

    model: DenoiserConfig
    train: TrainConfig
    arch: str = "unet"
    objective: ObjectiveConfig = OBJECTIVES["flow"]
    text_encoder: str = "minilm"
    drop_caption: float = 0.1
    short_caption: float = 0.5
    shuffled_caption: float = 0.0
    augment: AugmentConfig = AugmentConfig()
    inpaint: bool = False


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
        image_px: side of the square that images are fitted into; with buckets, of a square of the
            same area.
        buckets: train the denoiser on pictures of any shape, at about the same area; see
            `training.buckets`.
        validation_images: at most so many images per split take part in a validation loss.
    """

    name: str
    image_px: int
    vae: VaeRecipe
    unet: UnetRecipe
    samples: SampleConfig = field(default_factory=SampleConfig)
    validation_images: int = 128
    buckets: bool = False
