"""A small fully convolutional variational autoencoder; latents are the currency of lowdiff.

Source: Kingma & Welling 2014, arXiv:1312.6114; used in front of a denoiser as in Rombach et al.
2022, arXiv:2112.10752. Pixels are folded into channels at both edges, so no convolution runs at
full resolution, and there is no attention, so any image size works.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.models.layers import Downsample, GroupNorm, Upsample, pad_to_multiple, zero_init


class AutoencoderConfig(Protocol):
    """The shape of an autoencoder, a frozen dataclass; the run folder holds it as JSON."""

    @property
    def latent_channels(self) -> int:
        """Channels of a latent."""

    @property
    def factor(self) -> int:
        """Pixels per latent cell along one side."""


@dataclass(frozen=True)
class VaeConfig:
    """The shape of the convolutional autoencoder.

    Attributes:
        channels: feature channels per resolution, finest first.
        encoder_blocks: residual blocks per resolution on the way in, finest first.
        decoder_blocks: the same on the way out, finest first.
        latent_channels: channels of a latent.
        patch: pixels folded into channels at the edges.
    """

    channels: tuple[int, ...] = (48, 96)
    encoder_blocks: tuple[int, ...] = (1, 1)
    decoder_blocks: tuple[int, ...] = (2, 1)
    latent_channels: int = 4
    patch: int = 2

    @property
    def factor(self) -> int:
        """Pixels per latent cell along one side."""
        return int(self.patch * 2 ** (len(self.channels) - 1))


MIN_LOG_VARIANCE = -20.0
"""What a certain encoder says, and the least that is believed of any."""


class Posterior(NamedTuple):
    """What the encoder believes: a Gaussian per latent value, mean and standard deviation."""

    mean: Float[Tensor, "b c h w"]
    std: Float[Tensor, "b c h w"]


class Block(nn.Module):
    """Two convolutions around a skip; the last starts at zero, so a new block is the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm_in = GroupNorm(channels)
        self.conv_in = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm_out = GroupNorm(channels)
        self.conv_out = zero_init(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return x plus a correction."""
        h = self.conv_in(F.silu(self.norm_in(x)))
        out: Tensor = x + self.conv_out(F.silu(self.norm_out(h)))
        return out


def _encoder(config: VaeConfig) -> nn.Sequential:
    folded = 3 * config.patch**2
    layers: list[nn.Module] = [
        nn.PixelUnshuffle(config.patch),
        nn.Conv2d(folded, config.channels[0], 3, padding=1),
    ]
    for level, (channels, blocks) in enumerate(
        zip(config.channels, config.encoder_blocks, strict=True)
    ):
        if level:
            layers.append(Downsample(config.channels[level - 1], channels))
        layers += [Block(channels) for _ in range(blocks)]
    last = config.channels[-1]
    head = nn.Conv2d(last, 2 * config.latent_channels, 3, padding=1)
    return nn.Sequential(*layers, GroupNorm(last), nn.SiLU(), head)


def _decoder(config: VaeConfig) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(config.latent_channels, config.channels[-1], 3, padding=1)]
    for level in reversed(range(len(config.channels))):
        channels = config.channels[level]
        layers += [Block(channels) for _ in range(config.decoder_blocks[level])]
        if level:
            layers.append(Upsample(channels, config.channels[level - 1]))
    first = config.channels[0]
    tail = nn.Conv2d(first, 3 * config.patch**2, 3, padding=1)
    return nn.Sequential(*layers, GroupNorm(first), nn.SiLU(), tail, nn.PixelShuffle(config.patch))


class Vae(nn.Module):
    """Images in [-1, 1] to latents of zero mean and unit deviation per channel, and back.

    The latent statistics are buffers of the checkpoint, set once by `set_latent_statistics` after
    training; only `posterior`, `encode` and `decode` apply them, so nobody can forget them.

    Args:
        encoder: images to mean and log-variance, one after the other in the channels; default: the
            convolutional one of the config.
        decoder: latents to images; default: the convolutional one.

    Attributes:
        variational: False when the encoder tells no variance, so that there is no KL term.
    """

    variational = True
    latent_mean: Tensor
    latent_std: Tensor

    def __init__(
        self,
        config: AutoencoderConfig,
        *,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        if isinstance(config, VaeConfig):
            encoder, decoder = encoder or _encoder(config), decoder or _decoder(config)
        if encoder is None or decoder is None:
            raise ValueError(f"{type(config).__name__} needs an encoder and a decoder of its own")
        self.encoder, self.decoder = encoder, decoder
        self.register_buffer("latent_mean", torch.zeros(config.latent_channels))
        self.register_buffer("latent_std", torch.ones(config.latent_channels))

    def raw_moments(
        self, images: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b c y x"], Float[Tensor, "b c y x"]]:
        """Mean and log-variance as the encoder says them, before normalisation."""
        mean, log_variance = self.encoder(self.padded(images)).float().chunk(2, dim=1)
        return mean, log_variance.clamp(MIN_LOG_VARIANCE, 10)

    def padded(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h2 w2"]:
        """Images as the encoder wants them: the right and lower edge repeated."""
        return pad_to_multiple(images, self.config.factor)

    def latent_size(self, height_px: int, width_px: int) -> tuple[int, int]:
        """Rows and columns of the latents of an image."""
        factor = self.config.factor
        return -(-height_px // factor), -(-width_px // factor)

    def last_layer(self) -> nn.Parameter:
        """The weights that make the pixels; adversarial losses are weighed by their gradients."""
        return [one for one in self.decoder.parameters() if one.dim() > 1][-1]

    def raw_decode(self, raw: Float[Tensor, "b c y x"]) -> Float[Tensor, "b 3 h w"]:
        """Decode latents that are not normalised; unclamped, for training."""
        out: Tensor = self.decoder(raw)
        return out.float()

    def posterior(self, images: Float[Tensor, "b 3 h w"]) -> Posterior:
        """The normalised Gaussian of each latent value; cache these to train a denoiser.

        Args:
            images: in [-1, 1]; sides that are no multiple of the factor are padded at the right
                and below with the last row and column.
        """
        mean, log_variance = self.raw_moments(images)
        scale = self._per_channel(self.latent_std)
        return Posterior(
            (mean - self._per_channel(self.latent_mean)) / scale,
            (0.5 * log_variance).exp() / scale,
        )

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c y x"]:
        """The normalised latents (the posterior's mean) of images in [-1, 1]."""
        return self.posterior(images).mean

    def decode(
        self, latents: Float[Tensor, "b c y x"], *, size_px: tuple[int, int] | None = None
    ) -> Float[Tensor, "b 3 h w"]:
        """Images in [-1, 1] from normalised latents.

        Args:
            size_px: (height, width) of the image before `encode` padded it; default: all.
        """
        raw = latents * self._per_channel(self.latent_std) + self._per_channel(self.latent_mean)
        images = self.raw_decode(raw).clamp(-1, 1)
        return images if size_px is None else images[..., : size_px[0], : size_px[1]]

    def set_latent_statistics(self, mean: Float[Tensor, " c"], std: Float[Tensor, " c"]) -> None:
        """Keep the mean and deviation of the raw latents over the training images."""
        self.latent_mean.copy_(mean)
        self.latent_std.copy_(std)

    def _per_channel(self, values: Float[Tensor, " c"]) -> Float[Tensor, "1 c 1 1"]:
        return values[None, :, None, None]


def kl_per_pixel(
    mean: Float[Tensor, "b c y x"], log_variance: Float[Tensor, "b c y x"], *, pixel_values: int
) -> Float[Tensor, ""]:
    """KL divergence from N(0, 1) in nats per pixel value, averaged over the batch.

    Divided by the values of an image, not of a latent, so that one weight means the same for every
    factor and number of channels.

    Args:
        pixel_values: 3 x height x width of one image.
    """
    nats = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return nats.sum() / (mean.shape[0] * pixel_values)


def psnr_db(
    first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, " b"]:
    """Peak signal-to-noise ratio of each pair of images in [-1, 1], in decibels."""
    error = (first - second).square().mean(dim=(1, 2, 3)).clamp_min(1e-12)
    return 10 * (math.log10(4.0) - error.log10())
