"""Is a generated image a copy of a training image? Nearest neighbours in pixels or features.

The rule: an image is a copy when it is three times nearer to its nearest training image than to
the second nearest. Source: Yoon et al. 2023 (ICML workshop), Bonnaire et al. 2025,
arXiv:2505.17638. Where the training set holds near twins, both are near and a copy is missed, and
real held-out images that have a twin in it count as copies: read the rate beside theirs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lowdiff.evaluation.pixels import Pixels, shrink, to_unit

SIDE_PX = 16
COPY_RATIO = 1 / 3
FALSE_ALARMS = 0.01
"""Held-out images are no copies: at most so many of them may be called one."""


@dataclass(frozen=True)
class Neighbours:
    """For each looked-at image: its nearest training image."""

    index: Int[Tensor, " n"]
    distance: Float[Tensor, " n"]
    """Root mean square difference; of pixel values in [0, 1]: 0 the same, 1 black against white."""
    ratio: Float[Tensor, " n"]
    """Distance over the distance to the second nearest; 0 for an exact copy."""

    @property
    def is_copy(self) -> Bool[Tensor, " n"]:
        """True where the 1/3 rule says so."""
        return self.ratio < COPY_RATIO

    @property
    def copy_rate(self) -> float:
        """Share of copies in [0, 1]."""
        return float(self.is_copy.float().mean()) if len(self.ratio) else 0.0


def nearest(looked_at: Pixels, training: Pixels) -> Neighbours:
    """Find the nearest of at least two training images for each image, over 16×16 pixels."""
    return nearest_vectors(thumbnails(looked_at), thumbnails(training))


def nearest_vectors(looked_at: Float[Tensor, "n d"], training: Float[Tensor, "m d"]) -> Neighbours:
    """The same in any feature space.

    Raises:
        ValueError: there are fewer than two training images.
    """
    if len(training) < 2:
        raise ValueError(f"needs 2 training images, got {len(training)}")
    width = training.shape[1]
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(looked_at, training, compute_mode=exact) / width**0.5
    two = distances.topk(2, dim=1, largest=False)
    first, second = two.values[:, 0], two.values[:, 1]
    ratio = torch.where(first == 0, torch.zeros_like(first), first / second.clamp_min(1e-12))
    return Neighbours(index=two.indices[:, 0], distance=first, ratio=ratio)


def threshold_of(held_out: Float[Tensor, " n"], *, false_alarms: float = FALSE_ALARMS) -> float:
    """The distance below which only so large a share of held-out images have a training image.

    With too few of them for that share it is the smallest of their distances.
    """
    if len(held_out) == 0:
        raise ValueError("needs held-out images to calibrate on")
    at = int(false_alarms * len(held_out))  # so many of them lie below
    return float(held_out.sort().values[at])


def thumbnails(pixels: Pixels) -> Float[Tensor, "n d"]:
    """Images as 16×16 pixels in a row, in [0, 1]."""
    return (shrink(to_unit(pixels), SIDE_PX).flatten(1) + 1) / 2
