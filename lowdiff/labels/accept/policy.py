"""Which labels count: a person's word always, a machine's when it is sure enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.labels import Label, current_labels
from lowdiff.catalog.tables import Image
from lowdiff.labels.schema import Schema

CAPTION = "caption"
"""Without an accepted one an image cannot teach anything."""
FLAGS = "flags"
UNUSABLE = "unusable"
"""The flag that keeps an image out."""
CHUNK = 400


@dataclass
class FieldCounts:
    """How many images have a label of one field, by who said it."""

    human: int = 0
    machine: int = 0
    """Drafts that are sure enough."""
    open: int = 0
    """No label, or an unsure draft."""


@dataclass
class Acceptance:
    """How far labeling is."""

    images: int = 0
    ready: int = 0
    """Images that the next dataset version takes."""
    unusable: int = 0
    fields: dict[str, FieldCounts] = field(default_factory=dict)


def counts(label: Label, *, accept_confidence: float) -> bool:
    """True when a label may go into a dataset.

    Args:
        accept_confidence: in [0, 1]; a machine's label counts from this confidence on.
    """
    return label.is_human or (label.confidence or 0.0) >= accept_confidence


def is_unusable(labels: Mapping[str, Label], *, accept_confidence: float) -> bool:
    """True when a flag that counts keeps the image out."""
    flags = labels.get(FLAGS)
    return (
        flags is not None
        and UNUSABLE in flags.value
        and counts(flags, accept_confidence=accept_confidence)
    )


def resolve(
    labels: Mapping[str, Label], schema: Schema, *, accept_confidence: float
) -> dict[str, Label] | None:
    """The labels of one image that count, by field of the schema.

    Returns:
        None when the image cannot be in a dataset: no caption counts, or it is unusable.
    """
    accepted = {
        name: labels[name]
        for name in schema.names
        if name in labels and counts(labels[name], accept_confidence=accept_confidence)
    }
    caption = accepted.get(CAPTION)
    if caption is None or not caption.value:
        return None
    if is_unusable(labels, accept_confidence=accept_confidence):
        return None
    return accepted


def count_acceptance(catalog: Catalog, schema: Schema, *, accept_confidence: float) -> Acceptance:
    """Count over all images: who labelled what, and how many are ready for a dataset."""
    total = Acceptance(fields={name: FieldCounts() for name in schema.names})
    with catalog.read() as session:
        ids = list(session.scalars(select(Image.id).order_by(Image.id)))
        for some in chunks(ids, CHUNK):
            labels = current_labels(session, some)
            for image_id in some:
                _count(total, labels.get(image_id, {}), schema, accept_confidence)
    return total


def _count(
    total: Acceptance, labels: Mapping[str, Label], schema: Schema, accept_confidence: float
) -> None:
    total.images += 1
    total.unusable += is_unusable(labels, accept_confidence=accept_confidence)
    total.ready += resolve(labels, schema, accept_confidence=accept_confidence) is not None
    for name, numbers in total.fields.items():
        label = labels.get(name)
        if label is None or not counts(label, accept_confidence=accept_confidence):
            numbers.open += 1
        elif label.is_human:
            numbers.human += 1
        else:
            numbers.machine += 1
