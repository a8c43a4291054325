"""Which images belong into a dataset now, and what their rows say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.artifacts import newest_payloads
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.images import best_sighting, images_by_id, sightings_of
from lowdiff.catalog.labels import Label, current_labels
from lowdiff.catalog.tables import Image, Sighting
from lowdiff.labels.accept.policy import Policy, resolve
from lowdiff.labels.schema import Schema

CHUNK = 400


@dataclass(frozen=True)
class Member:
    """One accepted image: what is needed to draw it and what its row says."""

    image_id: str
    format: str
    family_id: str
    row: dict[str, Any]
    """All columns but `image` and `split`."""
    human_fields: int
    """Number of fields whose value a person said."""


def select_members(session: Session, *, schema: Schema, policy: Policy) -> list[Member]:
    """The images whose present labels count, ordered by id."""
    members: list[Member] = []
    ids = list(session.scalars(select(Image.id).order_by(Image.id)))
    for some in chunks(ids, CHUNK):
        members += _select_some(session, some, schema=schema, policy=policy)
    return members


def known_splits(session: Session) -> tuple[dict[str, str], dict[str, str]]:
    """What earlier exports decided: (image id → split, image id → family id)."""
    query = select(Image).where(Image.split.is_not(None))
    splits, families = {}, {}
    for image in session.scalars(query):
        assert image.split is not None
        splits[image.id] = image.split
        families[image.id] = family_of(image)
    return splits, families


def family_of(image: Image) -> str:
    """The family that dedupe found; before that, images with equal pixels are one family."""
    return image.family_id or image.pixel_hash


def _select_some(
    session: Session, ids: Sequence[str], *, schema: Schema, policy: Policy
) -> list[Member]:
    labels = current_labels(session, ids)
    images = images_by_id(session, ids)
    sightings = sightings_of(session, ids)
    texts = newest_payloads(session, "ocr", ids)
    members = []
    for image_id in ids:
        accepted = resolve(labels.get(image_id, {}), schema, policy)
        if accepted is None:
            continue
        image = images[image_id]
        row = _facts(image) | _provenance(best_sighting(sightings[image_id]))
        row["ocr_text"] = texts.get(image_id, {}).get("text")
        row |= _label_values(accepted, schema)
        human = sum(label.is_human for label in accepted.values())
        members.append(Member(image_id, image.format, family_of(image), row, human))
    return members


def _facts(image: Image) -> dict[str, Any]:
    return {
        "image_id": image.id,
        "pixel_hash": image.pixel_hash,
        "family_id": family_of(image),
        "width_px": image.width_px,
        "height_px": image.height_px,
        "format": image.format,
    }


def _provenance(sighting: Sighting | None) -> dict[str, Any]:
    names = {
        "source": "source",
        "source_url": "url",
        "page_url": "page_url",
        "licence": "licence",
        "attribution": "attribution",
        "title": "title",
        "alt_text": "alt_text",
        "tags": "tags",
    }
    return {column: getattr(sighting, name, None) for column, name in names.items()}


def _label_values(accepted: dict[str, Label], schema: Schema) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in schema.fields:
        label = accepted.get(field.name)
        row[field.name] = label.value if label else None
        row[f"{field.name}_origin"] = label.origin if label else None
        row[f"{field.name}_by"] = label.actor if label else None
        row[f"{field.name}_confidence"] = label.confidence if label else None
    return row
