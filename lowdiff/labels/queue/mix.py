"""Lay audited images and known answers among the others. No I/O."""

import hashlib
from collections.abc import Iterable, Sequence


def by_lot(image_ids: Iterable[str]) -> list[str]:
    """An order that nobody chose and that is always the same."""
    return sorted(image_ids, key=lambda one: hashlib.sha256(f"queue:{one}".encode()).hexdigest())


def mixed(
    ranked: Sequence[str],
    audits: Sequence[str],
    gold: Sequence[str],
    *,
    gold_share: float,
    early: int = 0,
) -> list[str]:
    """One queue of three.

    Args:
        ranked: the most valuable first.
        audits: in an order drawn by lot.
        gold: one in every 1 / gold_share tasks from the beginning, until there are no more; an
            annotator must not meet them all at the end.
        gold_share: in [0, 0.5]; with 0 no known answer is asked.
        early: so many audits take turns with the others from the beginning, the rest is spread
            over what comes after; below 1 none does.
    """
    turns = max(0, min(early, len(audits)))
    queue = [one for pair in zip(audits[:turns], ranked, strict=False) for one in pair]
    queue += audits[len(ranked) : turns]
    rest, later = ranked[turns:], audits[turns:]
    places = [
        *((_middle(at, len(rest)), 1, one) for at, one in enumerate(rest)),
        *((_middle(at, len(later)), 0, one) for at, one in enumerate(later)),
    ]
    queue += [one for _, _, one in sorted(places, key=lambda place: place[:2])]
    if not gold_share:
        return queue
    every = 1 / gold_share
    for at, one in enumerate(gold):
        queue.insert(min(len(queue), round((at + 0.5) * every)), one)
    return queue


def _middle(at: int, number: int) -> float:
    return (at + 0.5) / number
