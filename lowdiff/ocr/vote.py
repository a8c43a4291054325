"""Several readings by one engine become one: at every place what most of them saw there."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lowdiff.ocr.engine import RawWord
from lowdiff.ocr.merge import MIN_OVERLAP, overlaps, squeezed

Side = tuple[RawWord, ...]


def vote(readings: Sequence[Sequence[RawWord]]) -> list[RawWord]:
    """The words that the readings agree on most, place by place.

    A text's votes are the confidences of the readings that saw it. What its words are told with is
    their confidence times the share of those readings: one that only one of four saw is doubtful,
    however sure that one was.

    Args:
        readings: words in the same pixels; at least one reading.
    """
    if len(readings) == 1:
        return list(readings[0])
    chosen: list[RawWord] = []
    for sides in _places(readings):
        texts: dict[str, list[Side]] = {}
        for side in sides:
            texts.setdefault(squeezed(side), []).append(side)
        same = max(texts.values(), key=lambda one: sum(map(_least, one)))
        best = max(same, key=_least)
        share = sum(map(_least, same)) / (_least(best) * len(readings)) if _least(best) else 0.0
        chosen.extend(replace(word, confidence=word.confidence * share) for word in best)
    return chosen


def _least(side: Side) -> float:
    return min(word.confidence for word in side)


def _places(readings: Sequence[Sequence[RawWord]]) -> list[list[Side]]:
    """What each reading says at every place, in the order of the first reading to see it."""
    words = [(number, word) for number, reading in enumerate(readings) for word in reading]
    boxes = [word.box for _, word in words]
    owner = list(range(len(words)))

    def root(place: int) -> int:
        while owner[place] != place:
            place = owner[place]
        return place

    for one, two in np.argwhere(overlaps(boxes, boxes) >= MIN_OVERLAP):
        if words[one][0] != words[two][0]:
            low, high = sorted((root(int(one)), root(int(two))))
            owner[high] = low
    places: dict[int, dict[int, list[RawWord]]] = {}
    for place, (number, word) in enumerate(words):
        places.setdefault(root(place), {}).setdefault(number, []).append(word)
    return [[tuple(side) for side in sides.values()] for _, sides in sorted(places.items())]
