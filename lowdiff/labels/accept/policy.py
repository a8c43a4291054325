"""Which labels count: a person's word always, a machine's where audits have shown that it may."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.label_tables import AcceptanceDecision
from lowdiff.catalog.labels import Label
from lowdiff.labels.accept.evidence import ANY, family_of, may_be_accepted
from lowdiff.labels.drafts.caption import compose_caption, parse_caption, parts_of, values_of
from lowdiff.labels.schema import Field, Schema, applies

CAPTION = "caption"
"""Without an accepted one an image cannot teach anything."""
FLAGS = "flags"
UNUSABLE = "unusable"
"""The flag that keeps an image out."""
SOURCE = "source-"
"""Begins the name of a drafter that only repeats what the source of the image says."""
Mode = Literal["audited", "confidence"]


@dataclass(frozen=True)
class Rule:
    """Drafts of one field by one drafter count from a confidence on, and why."""

    field: str
    family: str
    threshold: float
    audited: int
    errors: int
    upper_bound: float
    error_limit: float


@dataclass(frozen=True)
class Policy:
    """What decides whether a machine's label counts."""

    mode: Mode
    """`audited`, or `confidence`: nobody has looked, and it says so."""
    accept_confidence: float = 1.0
    """In the mode `confidence`: a machine's label counts from here on."""
    rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    """In the mode `audited`: by (field, family of drafters); what is not here does not count."""

    def recipe(self) -> dict[str, Any]:
        """Plain values for the recipe of a dataset version."""
        if self.mode == "confidence":
            return {"mode": self.mode, "accept_confidence": self.accept_confidence}
        ordered = [self.rules[key] for key in sorted(self.rules)]
        return {"mode": self.mode, "rules": [asdict(rule) for rule in ordered]}


def by_confidence(accept_confidence: float) -> Policy:
    """The policy of a project without people: drafts count from a confidence on, unaudited."""
    return Policy("confidence", accept_confidence)


def read_policy(session: Session, *, acceptance: Mode, accept_confidence: float) -> Policy:
    """The policy of now: the newest decision on every drafter and field, or the opt-out.

    Args:
        acceptance, accept_confidence: the settings of these names.
    """
    if acceptance == "confidence":
        return by_confidence(accept_confidence)
    rules = {}
    for row in newest_decisions(session):
        if row.state == "on" and row.threshold is not None:
            rules[row.field, row.family] = Rule(
                row.field, row.family, row.threshold, row.audited, row.errors,
                round(row.upper_bound, 5), row.error_limit,
            )  # fmt: skip
    return Policy("audited", rules=rules)


def newest_decisions(session: Session) -> Sequence[AcceptanceDecision]:
    """The decision that counts now, for every field and family of drafters."""
    newest = select(func.max(AcceptanceDecision.id)).group_by(
        AcceptanceDecision.field, AcceptanceDecision.family
    )
    query = select(AcceptanceDecision).where(AcceptanceDecision.id.in_(newest))
    return session.scalars(
        query.order_by(AcceptanceDecision.field, AcceptanceDecision.family)
    ).all()


def counts(field: Field, label: Label, policy: Policy) -> bool:
    """True when a label may go into a dataset."""
    if label.is_human:
        return True
    sure = label.confidence or 0.0
    if policy.mode == "confidence":
        return sure >= policy.accept_confidence
    if field.free and label.actor.startswith(SOURCE):
        return True
    rule = policy.rules.get((field.name, ANY))
    rule = rule or policy.rules.get((field.name, family_of(label.actor)))
    return rule is not None and sure >= rule.threshold and may_be_accepted(field, label.value)


def is_unusable(labels: Mapping[str, Label], schema: Schema, policy: Policy) -> bool:
    """True when a flag that counts keeps the image out."""
    flags = labels.get(FLAGS)
    return (
        flags is not None and UNUSABLE in flags.value and counts(schema.field(FLAGS), flags, policy)
    )


def resolve(labels: Mapping[str, Label], schema: Schema, policy: Policy) -> dict[str, Label] | None:
    """The labels of one image that count, by field of the schema.

    Returns:
        None when the image cannot be in a dataset: no caption counts, or it is unusable. In the
        mode `audited` the caption tells all that counts: whoever said it said what the picture
        shows, and the other labels say how.
    """
    accepted = {
        one.name: labels[one.name]
        for one in schema.fields
        if one.name in labels and counts(one, labels[one.name], policy)
    }
    caption = accepted.get(CAPTION)
    if caption is None or not caption.value:
        return None
    if is_unusable(labels, schema, policy):
        return None
    if policy.mode == "confidence":  # drafted captions tell details of their own
        return accepted
    return accepted | {CAPTION: replace(caption, value=_detailed(caption, accepted))}


def _detailed(caption: Label, accepted: Mapping[str, Label]) -> str:
    """A caption of the template with what the labels that count say of the picture.

    What a person wrote into it yields to a person's label only.
    """
    parts = parse_caption(str(caption.value))
    if parts is None:
        return str(caption.value)
    people = {name: label.value for name, label in accepted.items() if label.is_human}
    machines = {name: label.value for name, label in accepted.items() if not label.is_human}
    written = values_of(parts)
    said = machines | written if caption.is_human else written | machines
    return compose_caption(parts_of(parts.subject, said | people))


def open_fields(
    labels: Mapping[str, Label], policy: Policy, schema: Schema, is_audit: bool
) -> tuple[str, ...]:
    """The fields that a person still has to see, in the order of the screen.

    On an audited image a machine's word never spares a person the look: all fields are open until
    people have said all of them.
    """
    values = {name: label.value for name, label in labels.items()}
    asked = [one for one in schema.fields if applies(one, values)]
    if is_audit:
        human = (one.name in labels and labels[one.name].is_human for one in asked)
        return () if all(human) else tuple(one.name for one in asked)
    return tuple(
        one.name
        for one in asked
        if one.name not in labels or not counts(one, labels[one.name], policy)
    )
