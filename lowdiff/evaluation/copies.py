"""Does a model copy? Three looks, in pixels and in what the self-taught eye sees.

The 1/3 rule (`neighbours`), calibrated copies (nearer to a training image than all but one in a
hundred held-out images are), and how many drawings are authentic: farther from their nearest
training image than that one is from its own nearest (Alaa et al. 2022, arXiv:2102.08921).
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.evaluation.intervals import share_interval
from lowdiff.evaluation.neighbours import FALSE_ALARMS, Neighbours, nearest_vectors, threshold_of

RULES = {
    "pixels": "three times nearer to the nearest training image than to the second, 16 x 16 px",
    "self": "the same in the features of the self-taught eye",
}


@dataclass(frozen=True)
class Nearness:
    """Who is near to the training images, in one space."""

    drawn: Neighbours
    held_out: Neighbours | None
    """None where there are no held-out images: then nothing can be calibrated."""
    own: Float[Tensor, " m"]
    """Of each training image the distance to its nearest other."""


def nearness(
    drawn: Float[Tensor, "n d"], held_out: Float[Tensor, "h d"], train: Float[Tensor, "m d"]
) -> Nearness:
    """Measure all distances in one space."""
    others = torch.cdist(train, train, compute_mode="donot_use_mm_for_euclid_dist")
    others.fill_diagonal_(torch.inf)
    return Nearness(
        nearest_vectors(drawn, train),
        nearest_vectors(held_out, train) if len(held_out) else None,
        others.min(1).values / train.shape[1] ** 0.5,
    )


def copy_figures(spaces: dict[str, Nearness]) -> dict[str, Any]:
    """The figures of the space `pixels`, and those of the others under their names."""
    figures = {name: _figures(name, near) for name, near in spaces.items()}
    return {**figures.pop("pixels"), **figures}


def _figures(name: str, near: Nearness) -> dict[str, Any]:
    drawn, real = near.drawn, near.held_out
    low, high = share_interval(drawn.is_copy)
    figures: dict[str, Any] = {
        "rate": round(drawn.copy_rate, 4),
        "rate_interval": [round(low, 4), round(high, 4)],
        "n": len(drawn.ratio),
        "median_distance": round(float(drawn.distance.median()), 4),
        "authentic": round(_authentic(drawn, near.own), 4),
        "rule": RULES.get(name, name),
    }
    if real is None:
        return figures
    threshold = threshold_of(real.distance[::2])
    figures["calibrated"] = round(_share(drawn.distance < threshold), 4)
    figures["threshold"] = round(threshold, 5)
    figures["false_alarms"] = max(FALSE_ALARMS, 1 / len(real.distance[::2]))
    figures["ceiling"] = {
        "rate": round(real.copy_rate, 4),
        "n": len(real.ratio),
        "median_distance": round(float(real.distance.median()), 4),
        "authentic": round(_authentic(real, near.own), 4),
        # by the half that the threshold was not chosen on
        "calibrated": round(_share(real.distance[1::2] < threshold), 4),
        "what": "held-out images",
    }
    return figures


def _authentic(near: Neighbours, own: Float[Tensor, " m"]) -> float:
    return _share(near.distance > own[near.index])


def _share(hits: Tensor) -> float:
    return float(hits.double().mean()) if len(hits) else 0.0
