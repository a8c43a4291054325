"""How far a set of generated images is from a set of real ones, in any feature space."""

import torch
from jaxtyping import Float
from torch import Tensor

DIRECTIONS = 1_000
DIRECTIONS_SEED = 0


def mind(
    first: Float[Tensor, "n d"], second: Float[Tensor, "m d"], *, directions: int = DIRECTIONS
) -> float:
    """Sliced 2-Wasserstein distance, squared, times 3 d; 0 for equal sets.

    The 1-D distances along fixed random directions are exact for any n and m. The factor gives it
    the size of a Fréchet distance. Source: Berthet et al. 2026, arXiv:2605.06797.
    It falls with growing sets: compare only at equal n, and read it beside its floor.
    """
    width = first.shape[1]
    generator = torch.Generator().manual_seed(DIRECTIONS_SEED)
    rays = torch.randn(width, directions, generator=generator, dtype=torch.float64)
    rays = rays / rays.norm(dim=0)
    one = (first.double() @ rays).sort(dim=0).values
    two = (second.double() @ rays).sort(dim=0).values
    rows_one, rows_two, weights = _matching(len(one), len(two))
    squares = (one[rows_one] - two[rows_two]).square()
    return float(3 * width * (weights[:, None] * squares).sum(0).mean())


def kid(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> float:
    """Kernel distance: unbiased squared MMD with the kernel (x·y / d + 1)³.

    Around 0, and sometimes below it, for two sets of the same distribution; needs 2 of each.
    Source: Bińkowski et al. 2018, arXiv:1801.01401.
    """
    x, y = first.double(), second.double()
    n, m, width = len(x), len(y), x.shape[1]
    if n < 2 or m < 2:
        raise ValueError(f"kid needs 2 samples of each set, got {n} and {m}")

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / width + 1) ** 3

    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    within_x = (xx.sum() - xx.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return float(within_x + within_y - 2 * xy.mean())


def _matching(n: int, m: int) -> tuple[Tensor, Tensor, Tensor]:
    """How n sorted points flow to m sorted points: index pairs, and the mass of each pair."""
    # cuts at multiples of 1/n and 1/m, counted in units of 1/(n m) so that they are exact
    cuts = torch.unique(torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]))
    starts = torch.cat([torch.zeros(1, dtype=torch.long), cuts[:-1]])
    weights = (cuts - starts).double() / (n * m)
    return starts // m, starts // n, weights
