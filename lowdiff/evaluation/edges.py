"""Do the outlines of a picture survive? What flat design graphics and lettering live from."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lowdiff.evaluation.pixels import Pixels, to_unit

CONTRAST = 0.3
"""From this difference on, per pixel and black against white, there is an edge."""
CHUNK = 64


def edge_f1(first: Pixels, second: Pixels) -> Float[Tensor, " n"]:
    """Of each pair, how well the edges of both lie on each other, to one pixel: in [0, 1].

    The harmonic mean of two shares: of the second's edges that have one of the first's beside
    them, and the other way round. Two pictures without any edge agree. Edges are where Sobel's
    gradient of the lightness exceeds `CONTRAST`.
    """
    parts = [
        _agreement(_edges(first[at : at + CHUNK]), _edges(second[at : at + CHUNK]))
        for at in range(0, len(first), CHUNK)
    ]
    return torch.cat(parts) if parts else torch.empty(0)


def _edges(pixels: Pixels) -> Bool[Tensor, "n h w"]:
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    light = ((to_unit(pixels) + 1) / 2 * weights).sum(1, keepdim=True)
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    kernel = torch.stack([across, across.T])[:, None]
    padded = torch.nn.functional.pad(light, (1, 1, 1, 1), mode="replicate")
    slope = torch.nn.functional.conv2d(padded, kernel)
    return slope.square().sum(1).sqrt() > CONTRAST / 2  # a step spreads over two pixels


def _agreement(first: Bool[Tensor, "n h w"], second: Bool[Tensor, "n h w"]) -> Tensor:
    def found(edges: Tensor, near: Tensor) -> Tensor:
        reach = torch.nn.functional.max_pool2d(near[:, None].float(), 3, stride=1, padding=1)[:, 0]
        hits, number = (edges * reach).flatten(1).sum(1), edges.flatten(1).sum(1)
        return torch.where(number > 0, hits / number.clamp_min(1), torch.ones(len(edges)))

    precision, recall = found(second, first), found(first, second)
    return 2 * precision * recall / (precision + recall).clamp_min(1e-12)
