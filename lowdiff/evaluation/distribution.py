"""How far a set of generated images is from a set of real ones, in any feature space."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

DIRECTIONS = 1_000
DIRECTIONS_SEED = 0
SUBSETS, LARGEST_SUBSET = 50, 1_000


@dataclass(frozen=True)
class Transport:
    """A reference set as `mind` needs it, for sets of one size.

    In one dimension the i-th smallest of n points takes the i-th n-th of the reference's mass, so
    the cost is the mean square of both, minus twice the point times the mean of its n-th.
    """

    rays: Float[Tensor, "d r"]
    shares: Float[Tensor, "n r"]
    """Mean of the reference over each n-th of its mass, over n."""
    mean_square: Float[Tensor, " r"]

    def mind(self, drawn: Float[Tensor, "n d"]) -> float:
        """The distance of a set of the size that this was made for."""
        return self.of_projected(self.project(drawn))

    def project(self, drawn: Float[Tensor, "n d"]) -> Float[Tensor, "n r"]:
        """Places along the directions."""
        return drawn.double() @ self.rays

    def of_projected(self, places: Float[Tensor, "n r"]) -> float:
        """The distance, from places along the directions."""
        ordered = places.sort(dim=0).values
        cost = ordered.square().mean(0) + self.mean_square - 2 * (ordered * self.shares).sum(0)
        return float(3 * self.rays.shape[0] * cost.clamp_min(0).mean())


def transport_to(
    reference: Float[Tensor, "m d"], count: int, *, directions: int = DIRECTIONS
) -> Transport:
    """Prepare a reference for sets of `count`."""
    width = reference.shape[1]
    generator = torch.Generator().manual_seed(DIRECTIONS_SEED)
    rays = torch.randn(width, directions, generator=generator, dtype=torch.float64)
    rays = rays / rays.norm(dim=0)
    places = (reference.double() @ rays).sort(dim=0).values
    rows, theirs, weights = _matching(count, len(places))
    shares = torch.zeros(count, directions, dtype=torch.float64)
    shares.index_add_(0, rows, weights[:, None] * places[theirs])
    return Transport(rays, shares, places.square().mean(0))


def mind(
    first: Float[Tensor, "n d"], second: Float[Tensor, "m d"], *, directions: int = DIRECTIONS
) -> float:
    """Sliced 2-Wasserstein distance, squared, times 3 d; 0 for equal sets.

    The 1-D distances along fixed random directions are exact for any n and m. The factor gives it
    the size of a Fréchet distance. Source: Berthet et al. 2026, arXiv:2605.06797.
    It falls with growing sets: compare only at equal n, and read it beside its floor.
    """
    return transport_to(second, len(first), directions=directions).mind(first)


@dataclass(frozen=True)
class Kernels:
    """The kernel (x·y / d + 1)³ within and between two sets."""

    xx: Float[Tensor, "n n"]
    yy: Float[Tensor, "m m"]
    xy: Float[Tensor, "n m"]

    def kid(self) -> float:
        """Unbiased squared MMD of the whole sets."""
        return float(_between_others(self.xx) + _between_others(self.yy) - 2 * self.xy.mean())

    def spread(self, *, subsets: int = SUBSETS, seed: int = 0) -> float:
        """Standard deviation over random halves of both sets, at most `LARGEST_SUBSET` each."""
        size = min(len(self.xx), len(self.yy), 2 * LARGEST_SUBSET) // 2
        if size < 2:
            return 0.0
        generator = torch.Generator().manual_seed(seed)
        found = []
        for _ in range(subsets):
            x = torch.randperm(len(self.xx), generator=generator)[:size]
            y = torch.randperm(len(self.yy), generator=generator)[:size]
            part = Kernels(self.xx[x][:, x], self.yy[y][:, y], self.xy[x][:, y])
            found.append(part.kid())
        return float(torch.tensor(found, dtype=torch.float64).std(correction=0))


def kernels(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> Kernels:
    """All kernel values of two sets of at least two.

    Raises:
        ValueError: a set has fewer.
    """
    x, y = first.double(), second.double()
    n, m, width = len(x), len(y), x.shape[1]
    if n < 2 or m < 2:
        raise ValueError(f"kid needs 2 samples of each set, got {n} and {m}")

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / width + 1) ** 3

    return Kernels(kernel(x, x), kernel(y, y), kernel(x, y))


def kid(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> float:
    """Kernel distance: unbiased squared MMD with the kernel (x·y / d + 1)³.

    Around 0, and sometimes below it, for two sets of the same distribution; needs 2 of each.
    Source: Bińkowski et al. 2018, arXiv:1801.01401.
    """
    return kernels(first, second).kid()


def _between_others(kernel: Float[Tensor, "n n"]) -> Tensor:
    """Mean over pairs of different samples."""
    count = len(kernel)
    found: Tensor = (kernel.sum() - kernel.diagonal().sum()) / (count * (count - 1))
    return found


def _matching(n: int, m: int) -> tuple[Tensor, Tensor, Tensor]:
    """How n sorted points flow to m sorted points: index pairs, and the mass of each pair."""
    # cuts at multiples of 1/n and 1/m, counted in units of 1/(n m) so that they are exact
    cuts = torch.unique(torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]))
    starts = torch.cat([torch.zeros(1, dtype=torch.long), cuts[:-1]])
    weights = (cuts - starts).double() / (n * m)
    return starts // m, starts // n, weights
