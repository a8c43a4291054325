"""Features from a random, never trained convolutional net with a fixed seed.

They see colour, edges, texture and blur, need no download, and are the same on every machine and
for every model. They know no meanings: the retrieval score asks for those. Random embeddings rank
generators well outside of photographs: Naeem et al. 2020, arXiv:2002.09797, section 3.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.evaluation.pixels import Pixels, shrink, to_unit

SEED = 20_201
SIDE_PX = 64
CHANNELS = (24, 48, 64, 64)
WIDTH = 2 * sum(CHANNELS)
FARTHEST = 5.0
"""Standard deviations of the reference."""


class RandomFeatures(nn.Module):
    """Four random stages; of each the mean and the spread of every channel over the image."""

    def __init__(self, seed: int = SEED) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        before = 3
        self.stages = nn.ModuleList()
        for after in CHANNELS:
            conv = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
            noise = torch.randn(conv.weight.shape, generator=generator)
            conv.weight = nn.Parameter(noise * (2 / (9 * before)) ** 0.5, requires_grad=False)
            self.stages.append(conv)
            before = after

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Images in [-1, 1] to `WIDTH` features each."""
        found, x = [], images
        for conv in self.stages:
            x = nn.functional.leaky_relu(conv(x), 0.2)
            found += [x.mean((2, 3)), x.std((2, 3))]
        return torch.cat(found, dim=1)


@torch.no_grad()
def random_features(
    pixels: Pixels, *, seed: int = SEED, batch_size: int = 128
) -> Float[Tensor, "n d"]:
    """Features of uint8 images of any size; looked at in 64 px."""
    net = RandomFeatures(seed)
    batches = [
        net(shrink(to_unit(pixels[start : start + batch_size]), SIDE_PX))
        for start in range(0, len(pixels), batch_size)
    ]
    return torch.cat(batches) if batches else torch.empty(0, WIDTH)


def standardise(
    reference: Float[Tensor, "n d"], *others: Float[Tensor, "m d"]
) -> list[Float[Tensor, "m d"]]:
    """All sets in the units of the reference: mean 0 and spread 1 in every feature.

    What lies further out than `FARTHEST` is taken back to there: a feature that few images have
    would else make a distance of them alone.
    """
    mean, spread = reference.mean(0), reference.std(0).clamp_min(1e-6)
    return [
        ((features - mean) / spread).clamp(-FARTHEST, FARTHEST) for features in (reference, *others)
    ]
