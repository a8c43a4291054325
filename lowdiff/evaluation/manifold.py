"""How much of the real set the drawings reach, and how densely they lie in it.

Source: Naeem et al. 2020, arXiv:2002.09797. Both depend on the numbers of images: the real set is
cut into parts of as many images as there are drawings, and the figures are means over the parts.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

NEAREST = 5
MOST_PARTS = 8


def inside(
    reference: Float[Tensor, "n d"], drawn: Float[Tensor, "m d"], *, nearest: int = NEAREST
) -> Bool[Tensor, "n m"]:
    """Whether each drawing lies nearer to each real image than its `nearest`-th real neighbour.

    Raises:
        ValueError: there are fewer than two real images.
    """
    if len(reference) < 2:
        raise ValueError(f"needs 2 real images, got {len(reference)}")
    rank = min(nearest, len(reference) - 1) + 1  # the first one is the image itself
    radius = _apart(reference, reference).kthvalue(rank, dim=1).values
    return _apart(reference, drawn) < radius[:, None]


def parts_inside(
    reference: Float[Tensor, "n d"], drawn: Float[Tensor, "m d"], *, nearest: int = NEAREST
) -> Bool[Tensor, "p n2 m"]:
    """`inside` for parts of the real set of as many images as there are drawings (two at least)."""
    size = min(max(2, len(drawn)), len(reference))
    parts = min(MOST_PARTS, len(reference) // size)
    rows = reference[: parts * size].reshape(parts, size, -1)
    return torch.stack([inside(part, drawn, nearest=nearest) for part in rows])


def coverage(within: Bool[Tensor, "... n m"]) -> float:
    """Share of real images near which at least one drawing lies, in [0, 1]."""
    return float(within.any(-1).double().mean())


def density(within: Bool[Tensor, "... n m"], *, nearest: int = NEAREST) -> float:
    """Of how many real images a drawing lies in the neighbourhood, over `nearest`; about 1 for
    drawings that are as real images are."""
    return float(within.double().sum(-2).mean() / min(nearest, max(1, within.shape[-2] - 1)))


def precision(within: Bool[Tensor, "... n m"]) -> float:
    """Share of drawings that lie near at least one real image, in [0, 1]."""
    return float(within.any(-2).double().mean())


def _apart(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    return torch.cdist(first.double(), second.double(), compute_mode="donot_use_mm_for_euclid_dist")
