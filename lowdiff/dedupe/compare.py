"""The verdict on two images: near (one picture twice), variant (one template) or distinct."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment, box_on_box, corner_on_corner, refine
from lowdiff.dedupe.evidence import Evidence, Side, gather
from lowdiff.dedupe.fingerprint import Fingerprint, find_corners, over, own_ground
from lowdiff.dedupe.trim import content_box, ground_of
from lowdiff.dedupe.verdict import probabilities

Relation = Literal["near", "variant", "distinct"]
TURN_GRID = 32
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
    distinct = max(0.0, 1 - near - variant)
    relation, score = max(
        (("near", near), ("variant", variant), ("distinct", distinct)), key=lambda pair: pair[1]
    )
    return Comparison(relation, round(score, 4))  # type: ignore[arg-type]


def evidence_of(a: Fingerprint, b: Fingerprint) -> Evidence | None:
    """The evidence under the alignment that speaks most for one picture; None without one."""
    if b.key < a.key:
        a, b = b, a
    one, two = _rasters(a, b)
    turn = _turn(one, two)
    corners_b = (b.corners, b.descriptors)
    if turn:
        two = _turned(two, turn)
        corners_b = find_corners(two)
    sides = Side(one), Side(two)
    best: tuple[float, Alignment, Evidence] | None = None
    for guess in _guesses(one, two, (a.corners, a.descriptors), corners_b):
        best = _better(best, guess, sides)
    if best is None:
        return None
    best = _better(best, refine(best[1], sides[0].gray, sides[1].gray), sides)
    return best[2] if best else None


def _better(
    best: tuple[float, Alignment, Evidence] | None, guess: Alignment, sides: tuple[Side, Side]
) -> tuple[float, Alignment, Evidence] | None:
    found = gather(*sides, guess)
    if found is None:
        return best
    fit = (
        found.mean_similarity
        - 2 * found.outside_least
        - 0.3 * found.outside_most
        - found.conflict
        - 0.5 * found.colour_apart
    )
    return (fit, guess, found) if best is None or fit > best[0] else best


def _rasters(a: Fingerprint, b: Fingerprint) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both pictures; what is transparent in one gets the ground of the other."""
    if a.has_alpha and not b.has_alpha:
        return over(a.rgba, ground_of(b.rgb)), b.rgb
    if b.has_alpha and not a.has_alpha:
        return a.rgb, over(b.rgba, ground_of(a.rgb))
    if a.has_alpha and (dark := own_ground(a.rgba)) != (255, 255, 255):
        return over(a.rgba, dark), over(b.rgba, dark)
    return a.rgb, over(b.rgba, own_ground(a.rgba)) if b.has_alpha else b.rgb


def _guesses(
    one: NDArray[np.uint8],
    two: NDArray[np.uint8],
    corners_a: tuple[NDArray[np.float16], NDArray[np.uint8]],
    corners_b: tuple[NDArray[np.float16], NDArray[np.uint8]],
) -> list[Alignment]:
    whole = [(0, 0, side.shape[1], side.shape[0]) for side in (one, two)]
    content = [content_box(one), content_box(two)]
    guesses = [box_on_box(*whole)]
    if content != whole:
        guesses.append(box_on_box(*content))
    guesses.append(corner_on_corner(*corners_a, *corners_b))
    return [guess for guess in guesses if guess is not None]


def _turn(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> int:
    """Which of the eight turns and mirrorings of the second looks like the first; 0 is none."""
    first, second = (_tile(side) for side in (one, two))
    fits = [float((first * _turned(second, turn)).mean()) for turn in range(8)]
    best = int(np.argmax(fits))
    return best if fits[best] > TURNED and fits[best] > fits[0] + 0.15 else 0


def _tile(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    left, top, right, bottom = content_box(rgb)
    gray = cv2.cvtColor(rgb[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    tile = cv2.resize(gray, (TURN_GRID, TURN_GRID), interpolation=cv2.INTER_AREA)
    tile = tile.astype(np.float32)
    return (tile - tile.mean()) / (tile.std() + 1e-3)


def _turned(picture: NDArray[np.generic], turn: int) -> NDArray:  # type: ignore[type-arg]
    mirrored = picture[:, ::-1] if turn >= 4 else picture
    return np.ascontiguousarray(np.rot90(mirrored, turn % 4))
