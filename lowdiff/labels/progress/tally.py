"""Count once over all images: who said what, what counts, what a person still has to see."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.labels import Label, current_labels
from lowdiff.catalog.tables import Image
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.evidence import family_of, may_be_accepted
from lowdiff.labels.accept.policy import (
    CAPTION,
    Policy,
    counts,
    is_unusable,
    open_fields,
    resolve,
)
from lowdiff.labels.schema import Schema, applies

CHUNK = 400


@dataclass
class FieldCounts:
    """How many images have a label of one field, by who said it; together: all images."""

    human: int = 0
    accepted: int = 0
    """Drafts that count without a person."""
    open: int = 0
    """No label, or a draft that does not count."""
    idle: int = 0
    """The field does not apply, like the brand of an image without a logo."""


@dataclass
class Tally:
    """How far labeling is."""

    images: int = 0
    finished: int = 0
    """Nothing is left for a person to see."""
    to_see: int = 0
    """A person has at least one open field to see."""
    audits: int = 0
    audits_to_see: int = 0
    """Audited images that a person has not seen whole."""
    ready: int = 0
    """Images that the next dataset version can take."""
    unusable: int = 0
    by_people: int = 0
    """A person said at least one field."""
    by_machine: int = 0
    """A machine's caption counts, and not a word is a person's."""
    undrafted: int = 0
    """Nobody said anything."""
    fields: dict[str, FieldCounts] = field(default_factory=dict)
    open_fields: int = 0
    """Fields that a person still has to see, over all images."""
    waiting: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)
    """(field, family) → confidence in whole percent → drafts that an acceptance would settle."""
    audit_left: Counter[str] = field(default_factory=Counter)
    """Field → audited images of which no person has said it yet."""


def count_labels(catalog: Catalog, schema: Schema, policy: Policy, *, audit_share: float) -> Tally:
    """Count over all images of the catalog, with one consistent view of it."""
    tally = Tally(fields={name: FieldCounts() for name in schema.names})
    with catalog.read() as session:
        ids = list(session.scalars(select(Image.id).order_by(Image.id)))
        for some in chunks(ids, CHUNK):
            labels = current_labels(session, some)
            for image_id in some:
                audit = is_audit(image_id, audit_share)
                _count(tally, labels.get(image_id, {}), schema, policy, audit=audit)
    return tally


def _count(
    tally: Tally, labels: Mapping[str, Label], schema: Schema, policy: Policy, *, audit: bool
) -> None:
    unusable = is_unusable(labels, schema, policy)
    accepted = resolve(labels, schema, policy)
    said = any(label.is_human for label in labels.values())
    # what a person called unusable is finished: nothing more has to be said of it
    left = () if unusable else open_fields(labels, policy, schema, is_audit=audit)
    tally.images += 1
    tally.unusable += unusable
    tally.ready += accepted is not None
    tally.finished += not left
    tally.to_see += bool(left)
    tally.open_fields += len(left)
    tally.audits += audit
    tally.audits_to_see += audit and bool(left)
    tally.undrafted += not labels
    tally.by_people += said
    tally.by_machine += not said and accepted is not None and CAPTION in accepted
    values = {name: label.value for name, label in labels.items()}
    for one in schema.fields:
        label, numbers = labels.get(one.name), tally.fields[one.name]
        if not applies(one, values):
            numbers.idle += 1
            continue
        if label is not None and label.is_human:
            numbers.human += 1
            continue
        if label is not None and counts(one, label, policy):
            numbers.accepted += 1
        else:
            numbers.open += 1
        tally.audit_left[one.name] += audit
        if label is not None and not audit and may_be_accepted(one, label.value):
            steps = tally.waiting.setdefault((one.name, family_of(label.actor)), Counter())
            steps[int(100 * (label.confidence or 0.0) + 1e-6)] += 1
