"""Unit noise that belongs to a seed, whatever else is drawn beside it."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def noise_of(seeds: Sequence[int], shape: tuple[int, int, int]) -> Float[Tensor, "b c h w"]:
    """Unit noise, one picture per seed: a picture does not depend on its neighbours in a batch."""
    rows = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows) if rows else torch.empty(0, *shape)


def slerp(first: Tensor, last: Tensor, share: float) -> Tensor:
    """Between two noises along the great circle, so that every point is noise of unit scale.

    Source: Shoemake 1985, doi:10.1145/325165.325242.
    """
    cosine = torch.nn.functional.cosine_similarity(first.flatten(), last.flatten(), dim=0)
    angle = torch.acos(cosine.double().clamp(-1, 1))
    if float(angle) < 1e-4:
        return torch.lerp(first, last, share)
    parts = torch.sin((1 - share) * angle), torch.sin(share * angle)
    mixed: Tensor = (parts[0] * first + parts[1] * last) / torch.sin(angle)
    return mixed.to(first.dtype)


class NoiseSource:
    """Unit noise from one generator per row, so no picture depends on its neighbours in a batch."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def like(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Fresh noise of x's shape, precision and device; drawn on the CPU, the same everywhere."""
        shape = x.shape[1:]
        rows = [torch.randn(shape, generator=one, dtype=x.dtype) for one in self.generators]
        return torch.stack(rows).to(x.device, non_blocking=True)
