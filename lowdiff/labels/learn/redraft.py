"""Learned statements beside those of the stage `draft`; of each field one counts: what several
drafters of a choice say together, else the surest."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import Artifact, LabelEvent
from lowdiff.errors import InputError
from lowdiff.labels.accept.calibrate import Calibration
from lowdiff.labels.accept.evidence import family_of
from lowdiff.labels.drafts.caption import NO_SUBJECT, short_form
from lowdiff.labels.learn.statements import Statement, Statements, is_learned, statements_of
from lowdiff.labels.learn.together import BY, together
from lowdiff.labels.schema import Field, Schema, validate_value

CHUNK = 200
SOURCE_CAPTION = "source-caption/"
LEAST_GUESS = 0.2
"""A caption with a guessed subject goes before one without, when it is at least as sure."""
SAME_CONFIDENCE, SAME_ODDS = 0.03, 1.0
"""Changes of a confidence that are smaller, and of its log odds, are no news."""
Boxes = Mapping[str, Sequence[Mapping[str, Any]]]
"""Image id → rectangles as the payload of a draft keeps them, with `by`."""


@dataclass
class Redrafted:
    """What redrafting came to."""

    images: int = 0
    """Images whose drafts say something else now."""
    labels: int = 0
    """Statements that were new to the history."""
    by_drafter: dict[str, int] = field(default_factory=dict)
    """Learned drafter → fields in which it is the surest now."""


def redraft(
    catalog: Catalog,
    statements: Statements,
    boxes: Boxes,
    *,
    schema: Schema,
    calibration: Calibration,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> Redrafted:
    """Replace all that learned drafters said before; running it again changes nothing.

    The payload of an image's newest draft keeps every statement; the surest of each field becomes
    an event of its history, unless it says what the last one said. Images without a draft are left
    alone.

    Args:
        calibration: by which statements of different drafters are compared.
    """
    report = Redrafted()
    with catalog.read() as session:
        ids = drafted_ids(session)
    for some in chunks(ids, CHUNK):
        with catalog.write() as session:
            events = []
            for draft in _newest_drafts(session, some):
                before = draft.payload or {}
                said = statements.get(draft.image_id, {})
                after = merged(
                    before, said, boxes.get(draft.image_id, ()), schema, calibration
                )  # fmt: skip
                for name, one in _winners(after).items():
                    if is_learned(one.by):
                        report.by_drafter[one.by] = report.by_drafter.get(one.by, 0) + 1
                    last = before.get("fields", {}).get(name)
                    if last and _says_the_same(last, one):
                        after["fields"][name] = last
                    else:
                        events.append(_event(draft.image_id, name, one, schema, now()))
                if after != before:
                    draft.payload, draft.updated_at = after, now()
                    report.images += 1
            report.labels += append_events(session, events)
        advance(len(some))
    return report


def drafted_ids(session: Session) -> list[str]:
    """Ids of all images that have a draft, in order."""
    return sorted(session.scalars(select(Artifact.image_id).where(_is_draft()).distinct()))


def merged(
    payload: Mapping[str, Any],
    said: Mapping[str, Sequence[Statement]],
    boxes: Sequence[Mapping[str, Any]],
    schema: Schema,
    calibration: Calibration,
) -> dict[str, Any]:
    """The payload of a draft with these learned statements and rectangles instead of earlier ones.

    A statement that does not fit the label schema is left out.
    """
    kept = {
        name: [one for one in ones if not is_learned(one.by)]
        for name, ones in statements_of(payload).items()
    }
    for name, ones in said.items():
        if name in schema.names:
            fitting = [one for one in ones if _fits(schema.field(name), one)]
            kept.setdefault(name, []).extend(fitting)

    def sure(name: str, one: Statement) -> tuple[bool, bool, float]:
        guess = calibration.calibrated(name, one.by, one.confidence)
        shows_nothing = name == "caption" and short_form(str(one.value)) == NO_SUBJECT
        # the source's own caption counts without a person: a guess that is surer would cost a visit
        counts = one.by.startswith(SOURCE_CAPTION)
        return (counts, not shows_nothing and guess >= LEAST_GUESS, guess)

    ordered = {
        name: sorted(ones, key=lambda one: sure(name, one), reverse=True)
        for name, ones in kept.items()
        if ones
    }
    for name, ones in ordered.items():
        is_choice = name in schema.names and schema.field(name).kind != "text"
        judged = next((one for one in ones if one.by == BY), None)
        whole = judged or (together(ones) if is_choice else None)
        if whole is not None:
            ones[:] = [whole, *(one for one in ones if one is not judged)]
    own = [box for box in payload.get("boxes", ()) if not is_learned(str(box.get("by", "")))]
    return {
        **payload,
        "fields": {name: ones[0].record() for name, ones in ordered.items()},
        "candidates": {name: [one.record() for one in ones] for name, ones in ordered.items()},
        "boxes": [*own, *(dict(box) for box in boxes)],
    }


def _winners(payload: Mapping[str, Any]) -> dict[str, Statement]:
    return {name: ones[0] for name, ones in statements_of(payload).items()}


def _says_the_same(last: Mapping[str, Any], one: Statement) -> bool:
    """True where a drafter trained anew says what it said: the history needs no event of that."""
    return bool(
        last["value"] == one.value
        and family_of(last["by"]) == family_of(one.by)
        and abs(float(last["confidence"]) - one.confidence) < SAME_CONFIDENCE
        and abs(_log_odds(float(last["confidence"])) - _log_odds(one.confidence)) < SAME_ODDS
    )


def _log_odds(confidence: float) -> float:
    inside = min(0.9999, max(0.0001, confidence))
    return math.log(inside / (1 - inside))


def _fits(of: Field, one: Statement) -> bool:
    try:
        validate_value(of, one.value)
    except InputError:
        return False
    return True


def _is_draft() -> Any:
    return (Artifact.stage == "draft") & (Artifact.state == "ok")


def _newest_drafts(session: Session, image_ids: Sequence[str]) -> list[Artifact]:
    """The latest good draft of each image."""
    newest = (
        select(Artifact.image_id, func.max(Artifact.updated_at).label("at"))
        .where(_is_draft(), Artifact.image_id.in_(image_ids))
        .group_by(Artifact.image_id)
        .subquery()
    )
    query = (
        select(Artifact)
        .join(
            newest,
            (newest.c.image_id == Artifact.image_id) & (newest.c.at == Artifact.updated_at),
        )
        .where(_is_draft())
        .order_by(Artifact.image_id, Artifact.stage_version, Artifact.params_hash)
    )
    # two drafts of one moment: the later version
    return list({draft.image_id: draft for draft in session.scalars(query)}.values())


def _event(
    image_id: str, name: str, one: Statement, schema: Schema, moment: datetime
) -> LabelEvent:
    return LabelEvent(
        image_id=image_id,
        field=name,
        value=one.value,
        origin=one.origin,
        actor=one.by,
        schema_version=schema.version,
        confidence=one.confidence,
        created_at=moment,
    )
