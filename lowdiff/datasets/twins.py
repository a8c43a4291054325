"""Of images that show the same picture a dataset takes the best one; the rest is told, not lost.

Trained on twice, a picture weighs twice and is learned by heart. Only a direct tie counts (exact
or near, after persons' verdicts): where A is near B and B near C, but A and C were found distinct,
A and C may both stay. Variants are other pictures and always stay.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lowdiff.catalog.duplicates import Edge
from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.datasets.select import Member

SURE = 0.9
"""A near twin of which the method is less sure stays: too many harms less than one lost."""

Twins = Literal["best", "all"]
"""`best`: of exact and near twins only the best one; `all`: every accepted image."""


@dataclass(frozen=True)
class LeftOut:
    """An accepted image that is not in the version, and for whom."""

    image_id: str
    twin_of: str
    """The image that stands for it."""
    relation: str
    """`exact` or `near`."""
    score: float
    """How sure that relation is, in [0, 1]."""
    method: str
    """Version of the method that found it, or `person`."""
    why: str

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def keep_best(
    members: Sequence[Member], same_picture: Mapping[tuple[str, str], Edge]
) -> tuple[list[Member], list[LeftOut]]:
    """Drop every member that has a better twin among those that stay; order by id.

    The best: with labels that a person gave, then under a known licence, then a drawing (SVG)
    before pixels, then the most pixels, then the smallest id.

    Args:
        same_picture: (smaller id, larger id) → exact or near tie.
    """
    beside: dict[str, list[tuple[str, Edge]]] = defaultdict(list)
    for (a, b), edge in same_picture.items():
        if edge.score < SURE:
            continue
        beside[a].append((b, edge))
        beside[b].append((a, edge))
    kept: dict[str, Member] = {}
    left_out: list[LeftOut] = []
    for member in sorted(members, key=_worst_last):
        twins = [(other, edge) for other, edge in beside[member.image_id] if other in kept]
        if not twins:
            kept[member.image_id] = member
            continue
        other, edge = min(twins, key=lambda twin: _worst_last(kept[twin[0]]))
        left_out.append(
            LeftOut(
                image_id=member.image_id,
                twin_of=other,
                relation=edge.kind,
                score=edge.score,
                method=edge.method_version,
                why=_why(kept[other], member),
            )
        )
    return (
        sorted(kept.values(), key=lambda member: member.image_id),
        sorted(left_out, key=lambda one: one.image_id),
    )


def _worst_last(member: Member) -> tuple[Any, ...]:
    return (
        member.human_fields == 0,
        member.row["licence"] in (None, UNKNOWN_LICENCE),
        member.format != "svg",
        -_pixels(member),
        member.image_id,
    )


def _why(better: Member, worse: Member) -> str:
    names = ("labels by a person", "a known licence", "a drawing without pixels", "more pixels")
    pairs = zip(names, _worst_last(better), _worst_last(worse), strict=False)
    return next((f"the other has {name}" for name, one, two in pairs if one != two), "equally good")


def _pixels(member: Member) -> int:
    return int(member.row["width_px"]) * int(member.row["height_px"])
