"""Lay audited images and known answers evenly among the others. No I/O."""

import hashlib
from collections.abc import Iterable, Sequence


def by_lot(image_ids: Iterable[str]) -> list[str]:
    """An order that nobody chose and that is always the same."""
    return sorted(image_ids, key=lambda one: hashlib.sha256(f"queue:{one}".encode()).hexdigest())


def mixed(
    ranked: Sequence[str], audits: Sequence[str], gold: Sequence[str], *, gold_share: float
) -> list[str]:
    """One queue of three.

    Args:
        ranked: the most valuable first.
        audits: spread from the beginning to the end.
        gold: one in every 1 / gold_share tasks from the beginning, until there are no more; an
            annotator must not meet them all at the end.
        gold_share: in [0, 0.5]; with 0 no known answer is asked.
    """
    places = [
        *((_middle(at, len(ranked)), 1, one) for at, one in enumerate(ranked)),
        *((_middle(at, len(audits)), 0, one) for at, one in enumerate(audits)),
    ]
    queue = [one for _, _, one in sorted(places, key=lambda place: place[:2])]
    if not gold_share:
        return queue
    every = 1 / gold_share
    for at, one in enumerate(gold):
        queue.insert(min(len(queue), round((at + 0.5) * every)), one)
    return queue


def _middle(at: int, number: int) -> float:
    return (at + 0.5) / number
