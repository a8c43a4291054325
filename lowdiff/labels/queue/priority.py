"""The queue: which image a person should see next, and why. Deterministic; asks no server.

Images with nothing left to say are not in it. Audited images come in an order drawn by lot:
choosing them by what a machine thinks would bend the bound that rests on them. The first ones take
turns with the others, because nothing is accepted before some hundred audits; the rest is spread
evenly over the queue, to notice drift. Known answers (gold) are mixed in.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.labels import PEOPLE, Label, current_labels
from lowdiff.catalog.tables import Image, LabelEvent
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.calibrate import Calibration
from lowdiff.labels.accept.evidence import CORRECTION, gather_samples, learn_calibration
from lowdiff.labels.accept.policy import Policy, counts, is_unusable, open_fields, resolve
from lowdiff.labels.quality.second_look import open_second_looks
from lowdiff.labels.queue.gold import list_gold
from lowdiff.labels.queue.likeness import Likeness
from lowdiff.labels.queue.mix import by_lot, mixed
from lowdiff.labels.queue.worth import Candidate, Worth, by_worth
from lowdiff.labels.schema import Schema

WORTH, AUDIT, GOLD = "worth", "audit", "gold"
EARLY_AUDITS, EARLY_SHARE = 1000, 0.8
"""Audits that come first, at most so many and that share of all. On a brand set for tuning 500
audits settled half as many drafts as 1,000 at the default limit, and 1,500 hardly more."""


@dataclass(frozen=True)
class Next:
    """One image of the queue."""

    image_id: str
    priority: float
    """In (0, 1]: 1 is next. All differ: nothing but the order is meant by it."""
    kind: str
    """`worth`, `audit` or `gold`."""
    ask: tuple[str, ...]
    """The fields that a person is asked."""
    worth: Worth | None = None
    """None for what was drawn by lot."""
    unsure: tuple[tuple[str, float], ...] = ()
    """Open fields and their calibrated confidence, the least sure first."""
    rare: tuple[str, str] | None = None
    """(field, value) that the labels so far have least of."""
    family: int = 1
    """Open images of its family."""
    second_look: tuple[str, ...] = ()
    """Why labels of people should be looked at again."""


@dataclass(frozen=True)
class _Seen:
    """What is known of one open image."""

    candidate: Candidate
    ask: tuple[str, ...]
    unsure: tuple[tuple[str, float], ...]
    rare: tuple[str, str] | None
    second_look: tuple[str, ...]


def priorities(
    catalog: Catalog,
    schema: Schema,
    policy: Policy,
    *,
    audit_share: float,
    gold_share: float,
    likeness: Likeness | None = None,
) -> dict[str, float]:
    """Image id → priority in (0, 1], for every image that a person should see.

    Label Studio shows the lowest score of a prediction first: write `score = 1 − priority`, with
    at least six decimals.
    """
    queue = make_queue(
        catalog, schema, policy, audit_share=audit_share, gold_share=gold_share, likeness=likeness
    )
    return {one.image_id: one.priority for one in queue}


def make_queue(
    catalog: Catalog,
    schema: Schema,
    policy: Policy,
    *,
    audit_share: float,
    gold_share: float,
    likeness: Likeness | None = None,
    only: Collection[str] | None = None,
) -> list[Next]:
    """All images that a person should see, the next one first.

    Args:
        audit_share, gold_share: the settings of these names.
        likeness: without it nothing but the family says whether an image is new.
        only: the images that may be shown; None for all.
    """
    with catalog.read() as session:
        labels = current_labels(session)
        families = _families(session)
        samples = gather_samples(session, schema, audit_share=audit_share)
        looks = open_second_looks(session)
        gold = _open_gold(session)
    calibration = learn_calibration(samples)
    shown = labels.keys() if only is None else labels.keys() & set(only)
    rarities = _rarities(labels.values(), schema, policy)
    seen: dict[str, _Seen] = {}
    for image_id in by_lot(shown):
        audit = is_audit(image_id, audit_share)
        one = _look(
            image_id, labels[image_id], families[image_id], looks.get(image_id, {}),
            schema, policy, calibration, rarities, audit=audit,
        )  # fmt: skip
        if one is not None:
            seen[image_id] = one
    others = [one for one in seen if one not in gold]
    audits = [one for one in others if is_audit(one, audit_share)]
    ranked = [one for one in others if not is_audit(one, audit_share)]
    known = [one for one, said in labels.items() if any(said[f].is_human for f in said)]
    order = by_worth(
        [seen[one].candidate for one in ranked],
        known_families=frozenset(families[one] for one in known),
        likeness=None if likeness is None else likeness.of(ranked),
        known=None if likeness is None else likeness.of(known),
    )
    worth = {ranked[place]: found for place, found in order}
    sizes = Counter(one.candidate.family for one in seen.values())
    done = sum(is_audit(one, audit_share) for one in known)
    queue = mixed(
        list(worth), audits, by_lot(one for one in gold if one in shown),
        gold_share=gold_share, early=_early(len(audits) + done) - done,
    )  # fmt: skip
    return [
        _gold(schema, image_id, 1 - at / len(queue), seen.get(image_id), gold[image_id])
        if image_id in gold
        else _next(image_id, 1 - at / len(queue), seen[image_id], worth, sizes)
        for at, image_id in enumerate(queue)
    ]


def _early(audits: int) -> int:
    """How many of these audits come first."""
    return round(min(EARLY_AUDITS, EARLY_SHARE * audits))


def _gold(
    schema: Schema, image_id: str, priority: float, seen: _Seen | None, known: tuple[str, ...]
) -> Next:
    """What is open besides the known answers is asked with them: the screen tells no difference."""
    asked = {*known, *(seen.ask if seen else ())}
    return Next(image_id, priority, GOLD, tuple(name for name in schema.names if name in asked))


def _next(
    image_id: str,
    priority: float,
    seen: _Seen,
    worth: Mapping[str, Worth],
    sizes: Mapping[str, int],
) -> Next:
    return Next(
        image_id,
        priority,
        WORTH if image_id in worth else AUDIT,
        seen.ask,
        worth.get(image_id),
        seen.unsure,
        seen.rare,
        sizes[seen.candidate.family],
        seen.second_look,
    )


def _look(
    image_id: str,
    labels: Mapping[str, Label],
    family: str,
    looks: Mapping[str, str],
    schema: Schema,
    policy: Policy,
    calibration: Calibration,
    rarities: Mapping[tuple[str, str], float],
    *,
    audit: bool,
) -> _Seen | None:
    """None where nothing is left to ask."""
    settled = is_unusable(labels, schema, policy) and not looks
    left = () if settled else open_fields(labels, policy, schema, is_audit=audit)
    ask = tuple(name for name in schema.names if name in left or name in looks)
    if not ask:
        return None
    sure = {name: _sureness(name, labels.get(name), name in looks, calibration) for name in ask}
    unsure = tuple(sorted(sure.items(), key=lambda pair: (pair[1], pair[0])))
    # free texts are always open: what tells images apart is the rest, where there is a rest
    told = [sure[name] for name in ask if not schema.field(name).free] or list(sure.values())
    rarity, rare = _rarest(labels, schema, rarities)
    lacks = resolve(labels, schema, policy) is None
    candidate = Candidate(image_id, family, 1 - sum(told) / len(told), rarity, lacks)
    return _Seen(candidate, ask, unsure, rare, tuple(looks.values()))


def _sureness(name: str, label: Label | None, again: bool, calibration: Calibration) -> float:
    if label is None or again:
        return 0.0
    if label.is_human:
        return 1.0
    return calibration.calibrated(name, label.actor, label.confidence or 0.0)


def _rarities(
    labels: Iterable[Mapping[str, Label]], schema: Schema, policy: Policy
) -> dict[tuple[str, str], float]:
    """(field, value) → how much rarer than an even share it is among the labels that count.

    Shares are smoothed, (n + 1) / (N + k): before anybody has labelled nothing is rare.
    """
    tally: Counter[tuple[str, str]] = Counter()
    choices = {one.name: one for one in schema.fields if one.kind == "choice"}
    for said in labels:
        for name, label in said.items():
            if name in choices and counts(choices[name], label, policy):
                tally[name, str(label.value)] += 1
    found = {}
    for name, field in choices.items():
        whole = sum(tally[name, value] for value in field.values)
        for value in field.values:
            share = (tally[name, value] + 1) / (whole + len(field.values))
            found[name, value] = max(0.0, 1 - share * len(field.values))
    return found


def _rarest(
    labels: Mapping[str, Label], schema: Schema, rarities: Mapping[tuple[str, str], float]
) -> tuple[float, tuple[str, str] | None]:
    """The rarest value it has, weighed by how sure it is that it has it."""
    found: list[tuple[float, tuple[str, str]]] = []
    for name, label in labels.items():
        rarity = rarities.get((name, str(label.value)), 0.0)
        sure = 1.0 if label.is_human else label.confidence or 0.0
        if rarity * sure > 0:
            found.append((rarity * sure, (name, str(label.value))))
    return max(found, default=(0.0, None))


def _families(session: Session) -> dict[str, str]:
    query = select(Image.id, Image.family_id, Image.pixel_hash)
    return {row.id: row.family_id or row.pixel_hash for row in session.execute(query)}


def _open_gold(session: Session) -> dict[str, tuple[str, ...]]:
    """Image id → fields, where some annotator has not given the known answer yet."""
    answers = list_gold(session)
    told = (
        LabelEvent.origin.in_(PEOPLE),
        LabelEvent.annotation_key.is_not(None),
        LabelEvent.annotation_key.not_like(f"{CORRECTION}%"),
    )
    annotators = set(session.scalars(select(LabelEvent.actor).where(*told).distinct()))
    ids = {answer.image_id for answer in answers}
    query = select(LabelEvent.image_id, LabelEvent.actor).where(*told, LabelEvent.image_id.in_(ids))
    done = {(row.image_id, row.actor) for row in session.execute(query.distinct())}
    fields: dict[str, tuple[str, ...]] = {}
    for answer in answers:
        waiting = annotators - {answer.made_by}
        if not annotators or any((answer.image_id, one) not in done for one in waiting):
            fields[answer.image_id] = (*fields.get(answer.image_id, ()), answer.field)
    return fields
