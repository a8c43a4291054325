"""The verdict on two images: near (one picture twice), variant (one template) or distinct."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment, box_on_box, corner_on_corner, refine
from lowdiff.dedupe.evidence import Evidence, Side, gather, quick_fit
from lowdiff.dedupe.fingerprint import Fingerprint, find_corners, over, own_ground
from lowdiff.dedupe.trim import ground_of
from lowdiff.dedupe.verdict import NEAR_AT, VARIANT_AT, probabilities

Relation = Literal["near", "variant", "distinct"]
Corners = tuple[NDArray[np.float16], NDArray[np.uint8]]
LEAST_SIMILAR = 0.5
"""No picture is a copy whose structure agrees less: skies and seas have hardly any."""
HOPELESS = 0.45
"""Fit of the best alignment below which a closer look is not worth its time: 3 % of copies."""
TURNED = 0.8
"""Correlation of a turned or mirrored picture from which the turn is tried."""


@dataclass(frozen=True)
class Comparison:
    """What two images are to each other."""

    relation: Relation
    score: float
    """Probability in [0, 1] that the relation holds, see `lowdiff.dedupe.verdict`."""


def compare(a: Fingerprint, b: Fingerprint) -> Comparison:
    """Compare two images by their fingerprints; the order does not matter."""
    if a.key == b.key:
        return Comparison("near", 1.0)
    found = evidence_of(a, b)
    if found is None:
        return Comparison("distinct", 1.0)
    near, variant = probabilities(found)
    if near >= NEAR_AT and found.mean_similarity >= LEAST_SIMILAR:
        return Comparison("near", round(near, 4))
    if variant >= VARIANT_AT:
        return Comparison("variant", round((1 - near) * variant, 4))
    return Comparison("distinct", round((1 - near) * (1 - variant), 4))


def evidence_of(a: Fingerprint, b: Fingerprint) -> Evidence | None:
    """The evidence under the alignment that speaks most for one picture; None without one."""
    if b.key < a.key:
        a, b = b, a
    one, two = _sides(a, b)
    corners_b = (b.corners, b.descriptors)
    if turn := _turn(one, two):
        two = Side(_turned(two.rgb, turn))
        corners_b = find_corners(two.rgb)
    ranked = [
        (quick_fit(one, two, guess), -rank, guess)
        for rank, guess in enumerate(_guesses(one, two, (a.corners, a.descriptors), corners_b))
    ]
    if not ranked:
        return None
    fit, _rank, guess = max(ranked, key=lambda entry: entry[:2])
    if fit < HOPELESS:
        return None
    refined = refine(guess, one.gray, two.gray)
    if refined is not guess and quick_fit(one, two, refined) > fit - 0.02:
        guess = refined
    return gather(one, two, guess)


def _sides(a: Fingerprint, b: Fingerprint) -> tuple[Side, Side]:
    """Both pictures; what is transparent in one gets the ground of the other."""
    if a.has_alpha and not b.has_alpha:
        return Side(over(a.rgba, ground_of(b.rgb))), _side(b)
    if b.has_alpha and not a.has_alpha:
        return _side(a), Side(over(b.rgba, ground_of(a.rgb)))
    if a.has_alpha and own_ground(a.rgba) != own_ground(b.rgba):
        return _side(a), Side(over(b.rgba, own_ground(a.rgba)))
    return _side(a), _side(b)


@lru_cache(maxsize=512)
def _side(print_: Fingerprint) -> Side:
    return Side(print_.rgb)


def _guesses(one: Side, two: Side, corners_a: Corners, corners_b: Corners) -> list[Alignment]:
    whole = [(0, 0, *side.size) for side in (one, two)]
    content = [one.content, two.content]
    guesses = [box_on_box(*whole)]
    if content != whole:
        guesses.append(box_on_box(*content))
    guesses.append(corner_on_corner(*corners_a, *corners_b))
    return [guess for guess in guesses if guess is not None]


def _turn(one: Side, two: Side) -> int:
    """Which of the eight turns and mirrorings of the second looks like the first; 0 is none."""
    fits = [float((one.tile * _turned(two.tile, turn)).mean()) for turn in range(8)]
    best = int(np.argmax(fits))
    return best if fits[best] > TURNED and fits[best] > fits[0] + 0.15 else 0


def _turned(picture: NDArray[np.generic], turn: int) -> NDArray:  # type: ignore[type-arg]
    mirrored = picture[:, ::-1] if turn >= 4 else picture
    return np.ascontiguousarray(np.rot90(mirrored, turn % 4))
