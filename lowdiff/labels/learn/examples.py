"""What heads look at: the vector of an image, and what was read, said and measured of it already.

One row for each image: its features, statistics of its words, the words of its source (hashed),
what the measuring drafters say with the numbers behind it, and what people have said of its
relatives. Labels of audited images are never among the examples, nor told of relatives.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.artifacts import newest_payloads
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.images import best_sighting, sightings_of
from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import Image, Sighting
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.learn.features import Floats, load_features
from lowdiff.labels.learn.statements import Statement, Statements, is_learned, statements_of
from lowdiff.labels.measure.numbers import NUMBERS
from lowdiff.labels.schema import Schema

EVIDENCE_VERSION = "3"
"""Raised by a person when a row would be another one: heads of other versions are not used."""
CHUNK = 400
SOURCE_BINS = 32
LOGO_WORDS = frozenset(("logo", "logos", "logotype", "wordmark", "brand", "trademark"))


@dataclass(frozen=True)
class Table:
    """One row for each image that has features."""

    ids: list[str]
    x: Floats
    families: list[str]
    """Of each image; its own id where it is in none."""
    drafts: list[Mapping[str, Any]]
    """Payload of each image's draft; empty where there is none."""

    def rows(self, image_ids: Sequence[str]) -> list[int]:
        """Where these images are; those without a row are left out."""
        place = {image_id: row for row, image_id in enumerate(self.ids)}
        return [place[one] for one in image_ids if one in place]


def read_table(session: Session, schema: Schema, *, features: str, relatives: Statements) -> Table:
    """The rows of all images that have these features.

    Args:
        features: the setting of this name.
        relatives: what relatives' labels say of each image (`propagate.family_says`).
    """
    ids, vectors = load_features(session, features)
    families: dict[str, str] = {}
    drafts: dict[str, Mapping[str, Any]] = {}
    extra: list[list[float]] = []
    for some in chunks(ids, CHUNK):
        query = select(Image.id, Image.family_id).where(Image.id.in_(some))
        families |= {row[0]: row[1] or row[0] for row in session.execute(query)}
        drafted = newest_payloads(session, "draft", some)
        read = newest_payloads(session, "ocr", some)
        seen = sightings_of(session, some)
        drafts |= drafted
        extra += [
            [
                *word_statistics(read.get(one)),
                *source_statistics(best_sighting(seen[one])),
                *measured_evidence(drafted.get(one, {}), schema),
                *measured_numbers(drafted.get(one, {})),
                *told_by_relatives(relatives.get(one, {}), schema),
            ]
            for one in some
        ]
    x = np.hstack([vectors, np.array(extra, dtype=np.float32)]) if ids else vectors
    return Table(ids, x, [families[one] for one in ids], [drafts.get(one, {}) for one in ids])


def read_labels(
    session: Session, name: str, image_ids: Sequence[str], *, audit_share: float
) -> dict[str, Any]:
    """Image id → what a person says of a field, without the audited images."""
    found: dict[str, Any] = {}
    for some in chunks([one for one in image_ids if not is_audit(one, audit_share)], CHUNK):
        for image_id, labels in current_labels(session, some).items():
            if name in labels and labels[name].is_human:
                found[image_id] = labels[name].value
    return found


def word_statistics(read: Mapping[str, Any] | None) -> list[float]:
    """Of what OCR read: how much, how surely, capitals, digits."""
    text = str((read or {}).get("text") or "")
    letters = max(1, sum(map(str.isalpha, text)))
    return [
        float(read is None),
        float(np.log1p(len(text.split()))),
        float(np.log1p(text.count("\n"))),
        float((read or {}).get("mean_confidence") or 0),
        sum(map(str.isupper, text)) / letters,
        sum(map(str.isdigit, text)) / max(1, len(text)),
        float(np.log1p(max((len(word) for word in text.split()), default=0))),
    ]


def source_words(seen: Sighting | None) -> list[str]:
    """The words of title, alt text and tags, in lower case."""
    if seen is None:
        return []
    texts = [seen.title or "", seen.alt_text or "", *seen.tags]
    return [word for text in texts for word in re.findall(r"[^\W\d_]{2,}", text.lower())]


def source_statistics(seen: Sighting | None) -> list[float]:
    """Whether the source speaks of a logo, and its words as a hashed bag."""
    words = source_words(seen)
    bag = [0.0] * SOURCE_BINS
    for word in set(words):
        number = zlib.crc32(word.encode())
        bag[number % SOURCE_BINS] += 1 if number & 0x80000000 else -1
    return [float(not words), float(bool(LOGO_WORDS & set(words))), *bag]


def measured_evidence(draft: Mapping[str, Any], schema: Schema) -> list[float]:
    """How surely a measuring drafter gives each value of each measured field; 0: it does not."""
    said = statements_of(draft)
    found = []
    for field in schema.fields:
        if field.answer != "measured" or field.kind == "text":
            continue
        own = [one for one in said.get(field.name, ()) if not is_learned(one.by)]
        values = (own[0].value if isinstance(own[0].value, list) else [own[0].value]) if own else []
        sure = own[0].confidence if own else 0.0
        found += [sure if value in values else 0.0 for value in field.values]
    return found


def measured_numbers(draft: Mapping[str, Any]) -> list[float]:
    """The numbers behind the measured values; zeros where a draft has none."""
    numbers = draft.get("numbers") or ()
    return list(numbers) if len(numbers) == len(NUMBERS) else [0.0] * len(NUMBERS)


def told_by_relatives(said: Mapping[str, Sequence[Statement]], schema: Schema) -> list[float]:
    """How surely the nearest relative's label gives each value of each choice; 0: it does not."""
    found = []
    for field in schema.fields:
        if field.kind == "text":
            continue
        ones = said.get(field.name)
        value = ones[0].value if ones else []
        values = value if isinstance(value, list) else [value]
        sure = ones[0].confidence if ones else 0.0
        found += [sure, *(sure if one in values else 0.0 for one in field.values)]
    return found
