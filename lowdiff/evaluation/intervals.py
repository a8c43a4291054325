"""How much a figure may be chance: bootstrap intervals over the drawings.

The drawings are drawn again with replacement, the real images stay. Distances of such sets are
larger than of the set itself (it has doubles), so the interval keeps their spread and is centred on
the figure. Source: Efron & Tibshirani 1993, chapter 10 (correction of bias) and 13 (percentiles).
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from lowdiff.evaluation.distribution import Kernels, Transport
from lowdiff.evaluation.manifold import coverage

REPLICATES = 200
LEVEL = 0.95
DIRECTIONS_AGAIN = 200
"""Directions of a repeated MIND: between directions it changes little."""
SEED = 5

Interval = tuple[float, float]


def interval(figure: float, count: int, again: Callable[[Int[Tensor, " n"]], float]) -> Interval:
    """The 95 % interval of a figure over `count` drawings.

    Args:
        again: the figure of some of them, by row, doubles included.
    """
    generator = torch.Generator().manual_seed(SEED)
    found = [again(torch.randint(count, (count,), generator=generator)) for _ in range(REPLICATES)]
    values = torch.tensor(found, dtype=torch.float64)
    tail = (1 - LEVEL) / 2
    low, high = torch.quantile(values, torch.tensor([tail, 1 - tail], dtype=torch.float64))
    middle = values.mean()
    return figure + float(low - middle), figure + float(high - middle)


def share_interval(hits: Bool[Tensor, " n"]) -> Interval:
    """Of a share: Wilson's interval (Wilson 1927, JASA 22), which holds for few and rare hits."""
    n = len(hits)
    if n == 0:
        return 0.0, 1.0
    z, share = 1.959964, float(hits.double().mean())
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * ((share * (1 - share) + z * z / (4 * n)) / n) ** 0.5 / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def mind_interval(figure: float, transport: Transport, drawn: Tensor) -> Interval:
    """Of MIND."""
    few = Transport(
        transport.rays[:, :DIRECTIONS_AGAIN],
        transport.shares[:, :DIRECTIONS_AGAIN],
        transport.mean_square[:DIRECTIONS_AGAIN],
    )
    places = few.project(drawn)
    return interval(figure, len(drawn), lambda rows: few.of_projected(places[rows]))


def kid_interval(figure: float, found: Kernels) -> Interval:
    """Of KID; a drawing is never compared with its own double."""
    others = found.xx - torch.diag(found.xx.diagonal())
    apart = 1 - torch.eye(len(others), dtype=others.dtype)
    towards = found.xy.mean(1)
    count = len(others)

    def again(rows: Tensor) -> float:
        weight = torch.bincount(rows, minlength=count).double()
        within = weight @ others @ weight / (weight @ apart @ weight)
        return float(within - 2 * (weight @ towards) / count)

    return interval(figure, count, again)


def coverage_interval(figure: float, within: Bool[Tensor, "p n m"]) -> Interval:
    """Of coverage."""
    low, high = interval(figure, within.shape[-1], lambda rows: coverage(within[..., rows]))
    return max(0.0, low), min(1.0, high)
