"""Is it the same family of pictures? Distances of the drawings, as a set, in several spaces.

Read a figure beside its floor and ceiling (all depend on the number of images), beside the same
figure in the other space (each overlooks something), and beside the copy rate: a model that only
copies has the best distance of all.
"""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from lowdiff.evaluation.distribution import kernels, transport_to
from lowdiff.evaluation.features import standardise
from lowdiff.evaluation.intervals import coverage_interval, kid_interval, mind_interval
from lowdiff.evaluation.manifold import coverage, density, parts_inside
from lowdiff.evaluation.pixels import Pixels
from lowdiff.evaluation.spaces import Space
from lowdiff.evaluation.subjects import Subjects, noise_images

MAX_REFERENCE = 1_000
DISTANCES, SHARES = ("mind", "kid"), ("coverage", "density")
REAL, NOISE = "the real images of the same prompts", "random pixels"


def distribution_figures(
    drawn: Pixels, subjects: Subjects, spaces: Sequence[Space]
) -> dict[str, Any]:
    """The figures of each space under its name.

    For a distance the floor is what real images reach and the ceiling what random pixels reach; for
    coverage and density it is the other way round. Density in the space `self` is no fidelity:
    noise can reach the best there.
    """
    reference = subjects.reference.pixels[:MAX_REFERENCE]
    noise = noise_images(len(drawn), drawn.shape[1])
    found: dict[str, Any] = {
        "n": len(drawn),
        "n_reference": len(reference),
        "real": REAL,
        "noise": NOISE,
    }
    for space in spaces:
        base, *others = standardise(
            *(space.embed(pixels) for pixels in (reference, drawn, subjects.prompts.pixels, noise))
        )
        found[space.key] = {**_in_space(base, *others), "features": space.what}
    return found


def _in_space(
    reference: Float[Tensor, "m d"],
    drawn: Float[Tensor, "n d"],
    real: Float[Tensor, "n d"],
    noise: Float[Tensor, "n d"],
) -> dict[str, Any]:
    ours, theirs, worst = (_plain(reference, one) for one in (drawn, real, noise))
    transport, kernel = transport_to(reference, len(drawn)), kernels(drawn, reference)
    within = parts_inside(reference, drawn)
    intervals = {
        "mind": mind_interval(ours["mind"], transport, drawn),
        "kid": kid_interval(ours["kid"], kernel),
        "coverage": coverage_interval(ours["coverage"], within),
    }
    return {
        **_rounded(ours),
        "kid_std": round(kernel.spread(), 4),
        **{f"{name}_interval": [round(end, 4) for end in ends] for name, ends in intervals.items()},
        "floor": _rounded(_ends(theirs, worst)) | {"what": REAL},
        "ceiling": _rounded(_ends(worst, theirs)) | {"what": NOISE},
    }


def _plain(reference: Float[Tensor, "m d"], other: Float[Tensor, "n d"]) -> dict[str, float]:
    within = parts_inside(reference, other)
    return {
        "mind": transport_to(reference, len(other)).mind(other),
        "kid": kernels(other, reference).kid(),
        "coverage": coverage(within),
        "density": density(within),
    }


def _ends(of_distances: dict[str, float], of_shares: dict[str, float]) -> dict[str, float]:
    return {name: of_distances[name] for name in DISTANCES} | {
        name: of_shares[name] for name in SHARES
    }


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}
