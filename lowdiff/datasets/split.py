"""Which split an image belongs to: decided by its family, once, and stable as the data grows.

A family is drawn by a hash of its id, not by a random generator over the present list, so adding
images moves none that are there. What the catalog has remembered wins over the hash, so changing
the shares later moves nothing either.
"""

import hashlib
from collections.abc import Mapping

from lowdiff.datasets.layout import SPLITS

TEST_SHARE = 0.05
VALIDATION_SHARE = 0.05
MIN_FAMILIES = 10
"""From this many families on, no split stays empty."""

_STRICTEST_FIRST = SPLITS[::-1]


def position(family_id: str, *, seed: int) -> float:
    """Where a family lies in [0, 1); uniform over families and equal for ever."""
    digest = hashlib.sha256(f"{seed}:{family_id}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def split_at(place: float) -> str:
    """The split of a place in [0, 1): test lowest, then validation, then train."""
    if place < TEST_SHARE:
        return "test"
    return "validation" if place < TEST_SHARE + VALIDATION_SHARE else "train"


def assign_splits(
    families: Mapping[str, str], known: Mapping[str, str], *, seed: int
) -> dict[str, str]:
    """Give every image of a dataset its split.

    Args:
        families: image id → family id, for the images of the dataset and for every image whose
            split is known (a rejected member still holds its family to its split).
        known: image id → split that an earlier export gave it.
        seed: of the hash.

    Returns:
        Image id → split for all of `families`. A family has one split. It keeps the one that its
        members have; where two families with different splits have become one, the strictest
        wins (test, then validation): what a model was tested on never slips into its training.
    """
    held: dict[str, str] = {}
    for image_id, split in known.items():
        family = families.get(image_id)
        if family is not None:
            held[family] = _strictest(held.get(family, split), split)
    fresh = {family: position(family, seed=seed) for family in families.values()}
    for family in held:
        fresh.pop(family, None)
    drawn = {family: split_at(place) for family, place in fresh.items()}
    _leave_none_empty(drawn, fresh, held)
    return {image_id: held.get(family) or drawn[family] for image_id, family in families.items()}


def moved(known: Mapping[str, str], assigned: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Image id → (old split, new split) where merged families changed an earlier decision."""
    return {
        image_id: (split, assigned[image_id])
        for image_id, split in known.items()
        if assigned.get(image_id, split) != split
    }


def _strictest(first: str, second: str) -> str:
    return min(first, second, key=_STRICTEST_FIRST.index)


def _leave_none_empty(
    drawn: dict[str, str], places: Mapping[str, float], held: Mapping[str, str]
) -> None:
    """Small sets: the lowest new train families fill a test or validation split without any."""
    if len(drawn) + len(held) < MIN_FAMILIES:
        return
    by_place = sorted(drawn, key=lambda family: (places[family], family))
    for split in _STRICTEST_FIRST[:2]:
        if split in drawn.values() or split in held.values():
            continue
        lowest = next((family for family in by_place if drawn[family] == "train"), None)
        if lowest is not None:
            drawn[lowest] = split
