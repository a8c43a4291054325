"""What each annotator did: for those who plan and for the annotators themselves, not a ranking.

Numbers of different people are hard to compare: who gets the audits and the unsure images changes
more, is slower and agrees less.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.labels import MACHINES
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.accept.evidence import is_same
from lowdiff.labels.quality.ratings import Rating, by_image
from lowdiff.labels.queue.gold import GoldScore, gold_scores
from lowdiff.labels.schema import Schema

CHUNK = 400


@dataclass(frozen=True)
class Share:
    """Some of a number."""

    part: int
    of: int

    @property
    def value(self) -> float:
        """In [0, 1]."""
        return self.part / self.of


@dataclass(frozen=True)
class Annotator:
    """What one person did."""

    name: str
    images: int
    median_s: float | None
    """Seconds of an annotation as Label Studio counted them; None where it did not."""
    changed: Mapping[str, Share] = field(default_factory=dict)
    """Field → drafts that this person changed, of those they saw."""
    agrees: Share | None = None
    """Judgements that say the same as another person's of the same image and field, free texts
    left out; None where nobody else has judged these images."""
    gold: Mapping[str, GoldScore] = field(default_factory=dict)
    """Field → known answers of others that were given."""

    @property
    def gold_total(self) -> Share | None:
        """Over all fields; None where no known answer was asked."""
        asked = sum(score.asked for score in self.gold.values())
        return Share(sum(score.right for score in self.gold.values()), asked) if asked else None

    @property
    def changed_total(self) -> Share | None:
        """Over all fields; None where there were no drafts."""
        seen = sum(share.of for share in self.changed.values())
        return Share(sum(share.part for share in self.changed.values()), seen) if seen else None


def describe_annotators(
    session: Session, ratings: Sequence[Rating], schema: Schema
) -> list[Annotator]:
    """One row for everybody who has labelled, sorted by name."""
    changed = _changed(session, ratings, schema)
    agrees = _agrees(ratings, schema)
    gold = gold_scores(session, ratings, schema)
    names = sorted({rating.actor for rating in ratings})
    mine = {name: [rating for rating in ratings if rating.actor == name] for name in names}
    return [
        Annotator(
            name,
            len({rating.image_id for rating in mine[name]}),
            _median_seconds(mine[name]),
            changed.get(name, {}),
            agrees.get(name),
            gold.get(name, {}),
        )
        for name in names
    ]


def _median_seconds(ratings: Sequence[Rating]) -> float | None:
    seconds = {one.annotation: one.seconds for one in ratings if one.seconds is not None}
    return median(seconds.values()) if seconds else None


def _changed(
    session: Session, ratings: Sequence[Rating], schema: Schema
) -> dict[str, dict[str, Share]]:
    """Annotator → field → how many of the drafts before them they changed."""
    drafts = _drafts(session, sorted({rating.image_id for rating in ratings}))
    seen: Counter[tuple[str, str]] = Counter()
    other: Counter[tuple[str, str]] = Counter()
    for rating in ratings:
        before = [
            value
            for event_id, value in drafts.get((rating.image_id, rating.field), ())
            if event_id < rating.event_id
        ]
        if not before or rating.field not in schema.names:
            continue
        seen[rating.actor, rating.field] += 1
        same = is_same(schema.field(rating.field), before[-1], rating.value)
        other[rating.actor, rating.field] += not same
    found: dict[str, dict[str, Share]] = {}
    for name in schema.names:
        for actor, field_name in sorted(seen):
            if field_name == name:
                share = Share(other[actor, name], seen[actor, name])
                found.setdefault(actor, {})[name] = share
    return found


def _drafts(session: Session, ids: Sequence[str]) -> dict[tuple[str, str], list[tuple[int, Any]]]:
    event = LabelEvent
    found: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for some in chunks(ids, CHUNK):
        query = (
            select(event.id, event.image_id, event.field, event.value)
            .where(event.image_id.in_(some), event.origin.in_(MACHINES))
            .order_by(event.id)
        )
        for row in session.execute(query):
            found.setdefault((row.image_id, row.field), []).append((row.id, row.value))
    return found


def _agrees(ratings: Sequence[Rating], schema: Schema) -> dict[str, Share]:
    same: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for name, images in by_image(ratings).items():
        if name not in schema.names or schema.field(name).kind == "text":
            continue
        for said in images.values():
            for actor, value in said.items():
                others = [given for one, given in said.items() if one != actor]
                pairs[actor] += len(others)
                same[actor] += sum(is_same(schema.field(name), value, one) for one in others)
    return {actor: Share(same[actor], number) for actor, number in pairs.items() if number}
