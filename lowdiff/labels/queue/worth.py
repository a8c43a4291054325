"""What a person's look at an image is worth: one formula, over all open images at once. No I/O.

    worth = unsure × novel × family × gain

- unsure: 1 − the mean calibrated confidence of the open fields, not below UNSURE_FLOOR: how much
  of the form will probably change.
- novel: 1 − likeness to the nearest image that a person has labelled, not below NOVEL_FLOOR.
- family: 1 + log2 of the open images of its family while nobody has labelled one of them: the word
  is propagated, but each further copy confirms less of what is new; FAMILY_KNOWN afterwards.
- gain: 1 + rarity of its values among the labels that count, times LACKS where the dataset cannot
  take the image without a person: what the next training would gain.

A product, because an image is worth little when one of them is: a sure draft, a copy of what is
known. The first HORIZON images are chosen one after the other, each as if those before it were
labelled (greedy, as in Sener and Savarese 2018, "Active Learning for Convolutional Neural
Networks: A Core-Set Approach"); else a hundred images of one unknown template would come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNSURE_FLOOR = 0.05
"""A drafter that is sure of everything may be wrong: a label still has a little worth."""
NOVEL_FLOOR = 0.1
"""A twin of a labelled image still shows whether people agree with what was propagated."""
FAMILY_KNOWN = 0.5
"""Half the worth: its family's words are drafts already, and mostly right."""
LACKS = 1.5
"""An image that only a person can bring into the dataset, against one that is in it already."""
HORIZON = 500
"""More than people label between two updates of the queue."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """An image that a person could see next."""

    image_id: str
    family: str
    unsure: float
    """In [0, 1]: 1 − the mean calibrated confidence of its open fields."""
    rarity: float
    """In [0, 1]: 1 where it has a value that no label has."""
    lacks: bool
    """Whether the dataset can take it only after a person has looked."""


@dataclass(frozen=True)
class Worth:
    """The factors of one image at the moment when it was chosen."""

    unsure: float
    novel: float
    family: float
    gain: float
    compared: bool = True
    """False where nobody knows what the image looks like, or there is nothing to compare with:
    `novel` is 1 then."""

    @property
    def total(self) -> float:
        """The product: only its order means anything."""
        return self.unsure * self.novel * self.family * self.gain


def by_worth(
    candidates: Sequence[Candidate],
    *,
    known_families: frozenset[str],
    likeness: NDArray[np.float32] | None = None,
    known: NDArray[np.float32] | None = None,
    horizon: int = HORIZON,
) -> list[tuple[int, Worth]]:
    """Places in `candidates` and what they are worth, the most valuable first.

    Args:
        known_families: families of which a person has labelled an image.
        likeness: (n, d) unit vectors of the candidates, zeros where an image has none.
        known: (m, d) unit vectors of the images that people have labelled.
    """
    if not candidates:
        return []
    unsure = np.array([max(one.unsure, UNSURE_FLOOR) for one in candidates])
    gain = np.array([(1 + one.rarity) * (LACKS if one.lacks else 1) for one in candidates])
    names, families = np.unique([one.family for one in candidates], return_inverse=True)
    sizes = np.bincount(families)
    fresh = np.array([name not in known_families for name in names])
    family = np.where(fresh, 1 + np.log2(sizes), FAMILY_KNOWN)[families]
    nearest = _nearest(likeness, known, len(candidates))
    compared = np.zeros(len(candidates), dtype=bool)
    if likeness is not None and known is not None and len(known):
        compared = np.any(likeness != 0, axis=1)
    left = np.ones(len(candidates), dtype=bool)
    chosen: list[tuple[int, Worth]] = []

    def worth(place: int) -> Worth:
        novel = max(NOVEL_FLOOR, 1 - nearest[place])
        return Worth(
            float(unsure[place]),
            float(novel),
            float(family[place]),
            float(gain[place]),
            bool(compared[place]),
        )

    base = unsure * gain
    for _ in range(min(horizon, len(candidates))):
        totals = base * np.maximum(NOVEL_FLOOR, 1 - nearest) * family
        place = int(np.argmax(np.where(left, totals, -1.0)))
        chosen.append((place, worth(place)))
        left[place] = False
        family[families == families[place]] = FAMILY_KNOWN
        if likeness is not None:
            nearest = np.maximum(nearest, likeness @ likeness[place])
    totals = base * np.maximum(NOVEL_FLOOR, 1 - nearest) * family
    rest = [int(place) for place in np.argsort(-totals, kind="stable") if left[place]]
    return chosen + [(place, worth(place)) for place in rest]


def _nearest(
    likeness: NDArray[np.float32] | None, known: NDArray[np.float32] | None, number: int
) -> Floats:
    """For every candidate the cosine to the labelled image that is most like it, at least 0."""
    found = np.zeros(number)
    if likeness is None or known is None or not len(known):
        return found
    for start in range(0, number, 2048):
        some = likeness[start : start + 2048] @ known.T
        found[start : start + 2048] = np.clip(some.max(axis=1), 0, 1)
    return found
