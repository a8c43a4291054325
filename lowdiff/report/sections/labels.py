"""Who said what about the images: people, machines that were sure enough, nobody yet."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Text, case, cast, func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.labels import PEOPLE, Label, current_label, current_labels
from lowdiff.labels.accept.policy import Policy, counts
from lowdiff.labels.progress.status import Status, read_status
from lowdiff.labels.progress.words import gain_sentences, pace_sentences
from lowdiff.labels.schema import Field, Schema
from lowdiff.pages.sheet import Picture
from lowdiff.report.gallery import show
from lowdiff.report.inputs import Inputs

BINS = 20
EXAMPLES = 12
EXAMPLES_BY_PEOPLE = 4
EXAMPLES_UNSURE = 3
PICTURE_PX = 168


@dataclass(frozen=True)
class FieldLabels:
    """One field of the schema over the whole corpus."""

    name: str
    title: str
    meaning: str
    kind: str
    people: int
    machine: int
    """A machine said it, and it counts."""
    open: int
    """Nobody said it, or a machine whose word does not count."""
    idle: int
    """Images to which the field does not apply."""
    values: tuple[tuple[str, int], ...]
    """Value → images; for a text, how many have one and how many are empty."""
    confidences: tuple[int, ...]
    """Drafts in 20 equal bins of confidence."""
    threshold: float | None
    """Drafts count from this confidence on; None where none does, or drafters differ."""

    @property
    def is_drafted(self) -> bool:
        """True when a machine has drafted it anywhere."""
        return sum(self.confidences) > 0


@dataclass(frozen=True)
class Chip:
    """A label on a card."""

    text: str
    title: str
    who: str
    """`people`, `machine` or `open`."""


@dataclass(frozen=True)
class Draft:
    """One image with everything that is said about it."""

    picture: Picture
    caption: str
    who: str
    """`people`, `machine` or `open`: whether the caption counts, and by whom."""
    by: str
    confidence: float | None
    chips: tuple[Chip, ...]


@dataclass(frozen=True)
class Labels:
    """Everything that is said about the corpus."""

    images: int
    schema_version: str
    is_audited: bool
    """False where drafts count by their confidence alone, and nobody has looked."""
    accept_confidence: float
    """Where drafts are not audited: they count from here on."""
    by_people: int
    """Images of which a person said at least one field."""
    by_machine: int
    """Images with an accepted caption of a machine, and not a word of a person."""
    undrafted: int
    """Images of which nobody said anything."""
    fields: tuple[FieldLabels, ...]
    examples: tuple[Draft, ...]
    status: Status
    pace: tuple[str, ...]
    """Seconds, hours and date in sentences."""
    gains: tuple[str, ...]
    """What the next labels would settle."""


def gather_labels(inputs: Inputs, *, today: date) -> Labels:
    """Count everything once, then show a few images whole."""
    schema, policy = inputs.schema, inputs.policy
    status = read_status(
        inputs.catalog,
        schema,
        policy,
        error_limit=inputs.error_limit,
        audit_share=inputs.audit_share,
        today=today,
    )
    with inputs.catalog.read() as session:
        fields = _fields(session, schema, status)
        chosen = _choose(session)
        labels = current_labels(session, chosen) if chosen else {}
    tally = status.tally
    return Labels(
        images=tally.images,
        schema_version=schema.version,
        is_audited=policy.mode == "audited",
        accept_confidence=policy.accept_confidence,
        by_people=tally.by_people,
        by_machine=tally.by_machine,
        undrafted=tally.undrafted,
        fields=fields,
        examples=_examples(inputs, chosen, labels),
        status=status,
        pace=tuple(pace_sentences(status)),
        gains=tuple(gain_sentences(status)),
    )


def who_says(field: Field, label: Label, policy: Policy) -> str:
    """`people`, `machine` (whose word counts) or `open`."""
    if label.is_human:
        return "people"
    return "machine" if counts(field, label, policy) else "open"


def _fields(session: Session, schema: Schema, status: Status) -> tuple[FieldLabels, ...]:
    confidences = _confidences(session)
    return tuple(
        FieldLabels(
            name=field.name,
            title=field.title,
            meaning=field.meaning,
            kind=field.kind,
            people=numbers.human,
            machine=numbers.accepted,
            open=numbers.open,
            idle=numbers.idle,
            values=_values(session, field),
            confidences=confidences.get(field.name, (0,) * BINS),
            threshold=_threshold(field, status.policy),
        )
        for field in schema.fields
        for numbers in [status.tally.fields[field.name]]
    )


def _threshold(field: Field, policy: Policy) -> float | None:
    if policy.mode == "confidence":
        return policy.accept_confidence
    found = [rule.threshold for rule in policy.rules.values() if rule.field == field.name]
    return found[0] if len(found) == 1 else None


def _confidences(session: Session) -> dict[str, tuple[int, ...]]:
    columns = current_label.c
    bins = case(
        *((columns.confidence < (index + 1) / BINS, index) for index in range(BINS - 1)),
        else_=BINS - 1,
    )
    query = (
        select(columns.field, bins, func.count())
        .where(columns.origin.not_in(PEOPLE), columns.confidence.is_not(None))
        .group_by(columns.field, bins)
    )
    found: dict[str, list[int]] = {}
    for field, index, number in session.execute(query):
        found.setdefault(field, [0] * BINS)[int(index)] = number
    return {field: tuple(numbers) for field, numbers in found.items()}


def _values(session: Session, field: Field) -> tuple[tuple[str, int], ...]:
    columns = current_label.c
    text = cast(columns.value, Text)
    if field.kind == "text":
        is_empty = case((text.in_(('""', "null")), "empty"), else_="written")
        text_query = select(is_empty, func.count()).where(columns.field == field.name)
        found = {row[0]: row[1] for row in session.execute(text_query.group_by(is_empty))}
        return tuple((name, found[name]) for name in ("written", "empty") if name in found)
    query = select(text, func.count()).where(columns.field == field.name).group_by(text)
    # a value that nobody has is told too: the model will not know it
    tally: Counter[str] = Counter(dict.fromkeys(field.values if field.kind == "choice" else (), 0))
    for value, number in session.execute(query):
        for part in _parts(json.loads(value)):
            tally[part] += number
    order = {value: index for index, value in enumerate((*field.values, "none"))}
    if not tally.total():
        return ()
    return tuple(sorted(tally.items(), key=lambda row: (order.get(row[0], len(order)), row[0])))


def _parts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(part) for part in value] or ["none"]
    return ["none" if value is None else str(value)]


def _choose(session: Session) -> list[str]:
    """Some captions of people, some sure drafts, some that need a person; always the same."""
    columns = current_label.c
    captions = select(columns.image_id).where(columns.field == "caption")
    people = captions.where(columns.origin.in_(PEOPLE)).order_by(
        columns.created_at.desc(), columns.image_id
    )
    drafts = captions.where(columns.origin.not_in(PEOPLE))
    chosen = list(session.scalars(people.limit(EXAMPLES_BY_PEOPLE)))
    unsure = list(
        session.scalars(
            drafts.order_by(columns.confidence, columns.image_id).limit(EXAMPLES_UNSURE)
        )
    )
    others = drafts.where(columns.image_id.not_in(unsure)).order_by(columns.image_id)
    room = EXAMPLES - len(chosen) - len(unsure)
    return chosen + list(session.scalars(others.limit(room))) + unsure


def _examples(
    inputs: Inputs, image_ids: list[str], labels: dict[str, dict[str, Label]]
) -> tuple[Draft, ...]:
    shown = show(inputs, image_ids, longest_px=PICTURE_PX)
    drafts = []
    for image_id, image in shown.items():
        said = labels[image_id]
        caption = said["caption"]
        drafts.append(
            Draft(
                picture=image.picture,
                caption=str(caption.value or ""),
                who=who_says(inputs.schema.field("caption"), caption, inputs.policy),
                by=caption.actor,
                confidence=caption.confidence,
                chips=_chips(inputs, said),
            )
        )
    return tuple(drafts)


def _chips(inputs: Inputs, said: dict[str, Label]) -> tuple[Chip, ...]:
    chips = []
    for field in inputs.schema.fields:
        label = said.get(field.name)
        if field.name == "caption" or label is None or label.value in ("", "none", [], None):
            continue
        sureness = "" if label.confidence is None else f", confidence {label.confidence:.2f}"
        value = f"“{label.value}”" if field.kind == "text" else ", ".join(_parts(label.value))
        chips.append(
            Chip(
                text=value,
                title=f"{field.title}: by {label.actor}{sureness}",
                who=who_says(field, label, inputs.policy),
            )
        )
    return tuple(chips)
