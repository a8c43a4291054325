"""Labels of people that are probably wrong, with reasons, the most suspicious first.

Three kinds of evidence: what was measured or said contradicts the label; a twin says otherwise; a
classifier that never saw the label takes another value for right (confident learning). A suspicion
is a question, never a correction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.artifacts import newest_payloads
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.duplicates import edges, verdicts
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.labels import Label, current_labels
from lowdiff.catalog.tables import LabelEvent
from lowdiff.dedupe.families import links
from lowdiff.labels.accept.evidence import is_same
from lowdiff.labels.quality.confident import doubts
from lowdiff.labels.quality.contradictions import Facts, contradictions
from lowdiff.labels.quality.ratings import HUMAN
from lowdiff.labels.quality.second_look import answered_second_looks
from lowdiff.labels.schema import Schema

CONTRADICTION, TWIN, LOOKS = "contradiction", "twin", "looks"
CERTAIN = 0.95
"""A contradiction: one of the labels it rests on is wrong."""
ONE_OF_TWO = 0.5
"""Where twins differ one of the two is wrong, and nobody knows which."""
KEPT_BY_COPIES = ("figure_count", "style", "logo")
"""Fields that a resized, framed or compressed copy has in common with its original."""
CHUNK = 400
Vectors = tuple[Sequence[str], NDArray[np.float32]]
NO_VECTORS: Vectors = ((), np.zeros((0, 0), np.float32))
Labels = Mapping[str, Mapping[str, Label]]


@dataclass(frozen=True)
class Suspect:
    """A label that a person should look at again."""

    image_id: str
    field: str
    value: Any
    by: str
    score: float
    """In [0, 1]: orders suspects; no calibrated probability."""
    reasons: tuple[str, ...]
    kinds: tuple[str, ...]
    """`contradiction`, `twin`, `looks`."""
    instead: Any = None
    """What it probably should say; None where nothing says so."""


@dataclass(frozen=True)
class _Hint:
    """One piece of evidence."""

    kind: str
    score: float
    reason: str
    instead: Any = None


def find_suspects(session: Session, schema: Schema, vectors: Vectors = NO_VECTORS) -> list[Suspect]:
    """All suspected labels; what people have confirmed at a second look is left out.

    Args:
        vectors: image ids and features (n, d), as `lowdiff.labels.learn.features.load_features`
            returns them; images without are judged by the other evidence alone.
    """
    labels = _human_labels(session)
    settled = answered_second_looks(session)
    found: dict[tuple[str, str], list[_Hint]] = {}
    for image_id, field, hint in (
        *_contradicted(session, labels),
        *_twins(session, labels, schema),
        *_unlikely(labels, schema, vectors, _measured(session, list(labels))),
    ):
        if (image_id, field) not in settled:
            found.setdefault((image_id, field), []).append(hint)
    suspects = [
        _suspect(image_id, field, labels[image_id][field], hints)
        for (image_id, field), hints in found.items()
    ]
    return sorted(suspects, key=lambda one: (-one.score, one.image_id, one.field))


def _suspect(image_id: str, field: str, label: Label, hints: Sequence[_Hint]) -> Suspect:
    """Independent evidence adds up: 1 − the product of what each piece leaves open."""
    return Suspect(
        image_id,
        field,
        label.value,
        label.actor,
        1 - float(np.prod([1 - hint.score for hint in hints])),
        tuple(dict.fromkeys(hint.reason for hint in hints)),
        tuple(dict.fromkeys(hint.kind for hint in hints)),
        next((hint.instead for hint in reversed(hints) if hint.instead is not None), None),
    )


def _human_labels(session: Session) -> dict[str, dict[str, Label]]:
    """Decisions on disputes and known answers are beyond suspicion."""
    said = {
        image_id: {name: label for name, label in found.items() if label.origin == HUMAN}
        for image_id, found in current_labels(session).items()
    }
    return {image_id: found for image_id, found in said.items() if found}


def _contradicted(session: Session, labels: Labels) -> Iterator[tuple[str, str, _Hint]]:
    for some in chunks(sorted(labels), CHUNK):
        images = images_by_id(session, some)
        texts = newest_payloads(session, "ocr", some)
        for image_id in some:
            read = texts.get(image_id, {})
            sure = round((read.get("words") or 0) * (read.get("sure_share") or 0))
            values = {name: label.value for name, label in labels[image_id].items()}
            found = contradictions(values, Facts(images[image_id].has_alpha, sure))
            for field, reasons in found.items():
                for reason in reasons:
                    yield image_id, field, _Hint(CONTRADICTION, CERTAIN, reason)


def _twins(session: Session, labels: Labels, schema: Schema) -> Iterator[tuple[str, str, _Hint]]:
    said = {pair: verdict.relation for pair, verdict in verdicts(session).items()}
    ties = links(edges(session, ("exact", "near")), said).same_picture()
    for (a, b), edge in sorted(ties.items()):
        for field in schema.fields:
            one, other = labels.get(a, {}).get(field.name), labels.get(b, {}).get(field.name)
            if one is None or other is None or field.kind == "text":
                continue
            if edge.kind != "exact" and field.name not in KEPT_BY_COPIES:
                continue
            if not is_same(field, one.value, other.value):
                for image_id, twin, its in ((a, b, other), (b, a, one)):
                    why = f"its {edge.kind} twin {twin[:12]} says {_said(its.value)}"
                    yield image_id, field.name, _Hint(TWIN, ONE_OF_TWO, why, its.value)


def _unlikely(
    labels: Labels, schema: Schema, vectors: Vectors, measured: Mapping[tuple[str, str], Any]
) -> Iterator[tuple[str, str, _Hint]]:
    ids, rows = vectors
    places = {image_id: place for place, image_id in enumerate(ids)}
    for field in schema.fields:
        if field.kind != "choice":
            continue
        known = [one for one in sorted(labels) if field.name in labels[one] and one in places]
        if not known:
            continue
        drafts = [measured.get((one, field.name)) for one in known]
        table = np.hstack(
            [
                rows[[places[one] for one in known]],
                np.array([[draft == value for value in field.values] for draft in drafts]),
            ]
        )
        for doubt in doubts([str(labels[one][field.name].value) for one in known], table):
            why = f"looks like {doubt.instead}: images labelled so are more alike"
            score = (1 - doubt.margin) / 2
            yield known[doubt.place], field.name, _Hint(LOOKS, score, why, doubt.instead)


def _measured(session: Session, ids: Sequence[str]) -> dict[tuple[str, str], Any]:
    """(image id, field) → the newest draft by rule.

    Learned and propagated drafts could repeat the very label that is in question.
    """
    found: dict[tuple[str, str], Any] = {}
    event = LabelEvent
    for some in chunks(sorted(ids), CHUNK):
        newest = (
            select(func.max(event.id))
            .where(event.image_id.in_(some), event.origin == "rule")
            .group_by(event.image_id, event.field)
        )
        query = select(event.image_id, event.field, event.value).where(event.id.in_(newest))
        found |= {(row.image_id, row.field): row.value for row in session.execute(query)}
    return found


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) or "nothing" if isinstance(value, list) else str(value)
