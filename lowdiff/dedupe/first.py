"""The first look at a pair: cheap numbers that tell whether a closer look is worth its time."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment
from lowdiff.dedupe.side import Side


@dataclass(frozen=True)
class FirstLook:
    """All but `inliers` are correlations, distances or shares."""

    likeness: float
    """Cosine of the two views that fit best; a whole or the content is one of them."""
    whole_likeness: float
    """Of the wholes, or of the contents."""
    second_likeness: float
    """The third best cosine: one crop may resemble by chance."""
    box_fit: float
    """Of the sketches, box on box."""
    corner_fit: float
    """Of the sketches, corner on corner."""
    inliers: float
    """Logarithm of 1 + the corners that agree."""
    tile: float
    """Correlation of the contents as small squares."""
    tile_peak: float
    """The largest difference of these squares in any one place."""
    colours: float
    """Mean distance of their colours (CIELAB)."""

    def vector(self) -> NDArray[np.float64]:
        """The numbers in the order of the fields."""
        return np.array([getattr(self, field.name) for field in fields(self)], np.float64)


def first_look(
    views_a: NDArray[np.int8],
    views_b: NDArray[np.int8],
    one: Side,
    two: Side,
    fits: list[tuple[float, Alignment]],
) -> FirstLook:
    """Look at two pictures whose alignments fit this well."""
    cosines = views_a.astype(np.float32) @ views_b.astype(np.float32).T / 127**2
    crossed = np.sort(np.concatenate([cosines[:2].ravel(), cosines[2:, :2].ravel()]))
    boxes = [fit for fit, guess in fits if not guess.inliers]
    corners = [(fit, guess.inliers) for fit, guess in fits if guess.inliers]
    apart = one.colours[..., 1:] - two.colours[..., 1:]
    return FirstLook(
        likeness=float(crossed[-1]),
        whole_likeness=float(max(cosines[0, 0], cosines[1, 1])),
        second_likeness=float(crossed[-3]),
        box_fit=max(boxes, default=-1.0),
        corner_fit=corners[0][0] if corners else -1.0,
        inliers=float(np.log1p(corners[0][1])) if corners else 0.0,
        tile=float((one.tile * two.tile).mean()),
        tile_peak=float(np.abs(one.tile - two.tile).max()),
        colours=float(np.hypot(apart[..., 0], apart[..., 1]).mean()),
    )
