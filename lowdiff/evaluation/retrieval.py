"""Does an image find its own prompt among all prompts? The measure of "it drew what I asked"."""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Retrieval:
    """How well n images find their own prompts among n; all but n in [0, 1]."""

    n: int
    top1: float
    """Share of images whose own prompt comes first (R@1)."""
    top5: float
    top10: float
    mrr: float
    """Mean of 1 / rank."""

    def as_dict(self) -> dict[str, float]:
        """Plain values."""
        return asdict(self)


def retrieval(similarity: Float[Tensor, "n n"]) -> Retrieval:
    """Score a matrix of similarities: image in the row, prompt in the column, own on the diagonal.

    Among equal similarities the own prompt takes the middle place, so that a model that cannot
    tell is at chance.
    """
    n = similarity.shape[0]
    if n == 0:
        return Retrieval(0, 0.0, 0.0, 0.0, 0.0)
    rank = ranks(similarity)
    return Retrieval(
        n=n,
        top1=_share(rank <= 1),
        top5=_share(rank <= 5),
        top10=_share(rank <= 10),
        mrr=float((1 / rank).mean()),
    )


def ranks(similarity: Float[Tensor, "n n"]) -> Float[Tensor, " n"]:
    """The place of each image's own prompt among all, from 1; halves where prompts tie."""
    own = similarity.diagonal()[:, None]
    better = (similarity > own).sum(1)
    equal = (similarity == own).sum(1) - 1
    return 1 + better.double() + equal.double() / 2


def chance(n: int) -> Retrieval:
    """What guessing scores: 1/n, 5/n, 10/n and the mean of 1/k over k = 1 … n."""
    if n == 0:
        return Retrieval(0, 0.0, 0.0, 0.0, 0.0)
    harmonic = float((1 / torch.arange(1, n + 1, dtype=torch.float64)).sum())
    top1, top5, top10 = (min(1.0, k / n) for k in (1, 5, 10))
    return Retrieval(n=n, top1=top1, top5=top5, top10=top10, mrr=harmonic / n)


def _share(hits: Bool[Tensor, " n"]) -> float:
    return float(hits.double().mean())
