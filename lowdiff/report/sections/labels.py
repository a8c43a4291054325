"""Who said what about the images: people, machines that were sure enough, nobody yet."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, case, cast, func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.labels import Label, current_label, current_labels
from lowdiff.catalog.tables import Image
from lowdiff.labels.accept.policy import counts
from lowdiff.labels.schema import Field
from lowdiff.pages.sheet import Picture
from lowdiff.report.gallery import show
from lowdiff.report.inputs import Inputs

HUMAN = ("human", "adjudicated")
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
    """A machine said it, and was sure enough to count."""
    open: int
    """Nobody said it, or a machine that was not sure."""
    values: tuple[tuple[str, int], ...]
    """Value → images; for a text, how many have one and how many are empty."""
    confidences: tuple[int, ...]
    """Drafts in 20 equal bins of confidence."""

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
    accept_confidence: float
    by_people: int
    """Images of which a person said at least one field."""
    by_machine: int
    """Images with an accepted caption of a machine, and not a word of a person."""
    undrafted: int
    """Images of which nobody said anything."""
    fields: tuple[FieldLabels, ...]
    examples: tuple[Draft, ...]


def gather_labels(inputs: Inputs) -> Labels:
    """Count with the database, then show a few images whole."""
    with inputs.catalog.read() as session:
        images = session.scalar(select(func.count()).select_from(Image)) or 0
        people = select(current_label.c.image_id).where(current_label.c.origin.in_(HUMAN))
        by_people = session.scalar(select(func.count(func.distinct(current_label.c.image_id)))
                                   .where(current_label.c.origin.in_(HUMAN))) or 0  # fmt: skip
        said = session.scalar(select(func.count(func.distinct(current_label.c.image_id)))) or 0
        by_machine = session.scalar(
            select(func.count()).where(
                current_label.c.field == "caption",
                current_label.c.origin.not_in(HUMAN),
                current_label.c.confidence >= inputs.accept_confidence,
                current_label.c.image_id.not_in(people),
            )
        )
        fields = _fields(session, inputs, images)
        chosen = _choose(session, inputs)
        labels = current_labels(session, chosen) if chosen else {}
    return Labels(
        images=images,
        schema_version=inputs.schema.version,
        accept_confidence=inputs.accept_confidence,
        by_people=by_people,
        by_machine=by_machine or 0,
        undrafted=max(0, images - said),
        fields=fields,
        examples=_examples(inputs, chosen, labels),
    )


def who_says(label: Label, accept_confidence: float) -> str:
    """`people`, `machine` (sure enough to count) or `open`."""
    if label.is_human:
        return "people"
    return "machine" if counts(label, accept_confidence=accept_confidence) else "open"


def _fields(session: Session, inputs: Inputs, images: int) -> tuple[FieldLabels, ...]:
    columns = current_label.c
    who = case(
        (columns.origin.in_(HUMAN), "people"),
        (columns.confidence >= inputs.accept_confidence, "machine"),
        else_="open",
    )
    counted: dict[str, Counter[str]] = {}
    query = select(columns.field, who, func.count()).group_by(columns.field, who)
    for name, whose, number in session.execute(query):
        counted.setdefault(name, Counter())[whose] = number
    confidences = _confidences(session)
    found = []
    for field in inputs.schema.fields:
        numbers = counted.get(field.name, Counter())
        found.append(
            FieldLabels(
                name=field.name,
                title=field.title,
                meaning=field.meaning,
                kind=field.kind,
                people=numbers["people"],
                machine=numbers["machine"],
                open=max(0, images - numbers["people"] - numbers["machine"]),
                values=_values(session, field),
                confidences=confidences.get(field.name, (0,) * BINS),
            )
        )
    return tuple(found)


def _confidences(session: Session) -> dict[str, tuple[int, ...]]:
    columns = current_label.c
    bins = case(
        *((columns.confidence < (index + 1) / BINS, index) for index in range(BINS - 1)),
        else_=BINS - 1,
    )
    query = (
        select(columns.field, bins, func.count())
        .where(columns.origin.not_in(HUMAN), columns.confidence.is_not(None))
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


def _choose(session: Session, inputs: Inputs) -> list[str]:
    """Some captions of people, some sure drafts, some that need a person; always the same."""
    columns = current_label.c
    captions = select(columns.image_id).where(columns.field == "caption")
    sure = columns.confidence >= inputs.accept_confidence
    people = captions.where(columns.origin.in_(HUMAN)).order_by(
        columns.created_at.desc(), columns.image_id
    )
    drafts = captions.where(columns.origin.not_in(HUMAN))
    unsure = drafts.where(~sure).order_by(columns.confidence, columns.image_id)
    chosen = list(session.scalars(people.limit(EXAMPLES_BY_PEOPLE)))
    open_ones = list(session.scalars(unsure.limit(EXAMPLES_UNSURE)))
    room = EXAMPLES - len(chosen) - len(open_ones)
    chosen += session.scalars(drafts.where(sure).order_by(columns.image_id).limit(room))
    return chosen + open_ones


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
                who=who_says(caption, inputs.accept_confidence),
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
                who=who_says(label, inputs.accept_confidence),
            )
        )
    return tuple(chips)
