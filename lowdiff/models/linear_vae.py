"""The story's autoencoder: strided convolutions, then one linear layer to a latent of fixed size.

Every pixel may speak to every latent value, at the price of millions of weights and one image size.
Rebuilt from its words ("a simple architecture … variations of convolutional and linear layers for
the encoder, decoder and latent space", 3 x 32 x 32 and 3 x 64 x 64 latents for images up to
800 x 800) to be compared with, not to be recommended: 800 x 800 x 3 into 3 x 32 x 32 is 625 to 1.
"""

import itertools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.models.vae import Vae


@dataclass(frozen=True)
class LinearConfig:
    """The shape of the story's autoencoder.

    Attributes:
        image_px: side of the images; smaller ones are padded, larger ones refused.
        latent_side: rows and columns of a latent, 32 or 64 in the story.
        latent_channels: of a latent, 3 in the story.
        channels: of the convolutions, each of which halves the side.
    """

    image_px: int = 64
    latent_side: int = 32
    latent_channels: int = 3
    channels: tuple[int, ...] = (32, 64, 64)

    @property
    def factor(self) -> int:
        """Pixels per latent cell along one side, rounded up."""
        return math.ceil(self.image_px / self.latent_side)

    @property
    def fold_px(self) -> int:
        """Side of the images as the convolutions see them: they halve it without a rest."""
        step = 2 ** len(self.channels)
        return int(math.ceil(self.image_px / step) * step)

    @property
    def features(self) -> int:
        """Values between the convolutions and the linear layer."""
        return int(self.channels[-1] * (self.fold_px // 2 ** len(self.channels)) ** 2)

    @property
    def latents(self) -> int:
        """Values of a latent."""
        return self.latent_channels * self.latent_side**2


class LinearVae(Vae):
    """The story's autoencoder behind our contract; its pixels come out of a sigmoid."""

    def __init__(self, config: LinearConfig) -> None:
        super().__init__(config, encoder=_Encoder(config), decoder=_Decoder(config))
        self.fold_px, self.side, self.image_px = config.fold_px, config.latent_side, config.image_px

    def padded(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h2 w2"]:
        """Images of the one size that there is.

        Raises:
            ValueError: an image is larger.
        """
        height, width = images.shape[-2:]
        if max(height, width) > self.image_px:
            raise ValueError(f"images of {self.image_px} px at most, got {height} x {width}")
        return F.pad(images, (0, self.fold_px - width, 0, self.fold_px - height), mode="replicate")

    def latent_size(self, height_px: int, width_px: int) -> tuple[int, int]:
        """Always the same."""
        return self.side, self.side

    def last_layer(self) -> nn.Parameter:
        """The weights of the last transposed convolution."""
        assert isinstance(self.decoder, _Decoder)
        return self.decoder.convs[-1].weight  # type: ignore[return-value]


class _Encoder(nn.Module):
    def __init__(self, config: LinearConfig) -> None:
        super().__init__()
        sizes = (3, *config.channels)
        self.convs = nn.Sequential(
            *(
                layer
                for before, after in itertools.pairwise(sizes)
                for layer in (nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU())
            )
        )
        self.mean = nn.Linear(config.features, config.latents)
        self.log_variance = nn.Linear(config.features, config.latents)
        self.shape = (config.latent_channels, config.latent_side, config.latent_side)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c2 s s"]:
        """Mean and log-variance, one after the other."""
        features = self.convs(images).flatten(1)
        both = (self.mean(features), self.log_variance(features))
        return torch.cat([one.unflatten(1, self.shape) for one in both], dim=1)


class _Decoder(nn.Module):
    def __init__(self, config: LinearConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(config.latents, config.features)
        side = config.fold_px // 2 ** len(config.channels)
        self.shape = (config.channels[-1], side, side)
        sizes = (*reversed(config.channels), 3)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            layers += [
                nn.ReLU(),
                nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1),
            ]
        self.convs = nn.Sequential(*layers)

    def forward(self, latents: Float[Tensor, "b c s s"]) -> Float[Tensor, "b 3 h w"]:
        """Images of the folded size, in [-1, 1]."""
        features = self.linear(latents.flatten(1)).unflatten(1, self.shape)
        # 2 sigmoid(x) - 1, written so that a loss on the probability sees no jump at its ends
        out: Tensor = torch.tanh(self.convs(features).float() / 2)
        return out
