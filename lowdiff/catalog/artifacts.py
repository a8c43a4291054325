"""Which images a stage has still to do; this query is the whole resume logic."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.leases import is_dead, this_worker
from lowdiff.catalog.tables import Artifact, Image

FINISHED = ("ok", "refused")


@dataclass(frozen=True)
class Stage:
    """A step over images. A person raises `version` when its results would change."""

    name: str
    version: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def params_hash(self) -> str:
        """16 hex digits; equal for equal parameters in any order."""
        text = json.dumps(dict(self.params), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Outcome:
    """What a stage made of one image: a payload, or an error."""

    image_id: str
    state: str
    """`ok`, `refused` (never again) or `failed` (tried again by the next run)."""
    payload: dict[str, Any] | None = None
    error_class: str | None = None
    error: str | None = None
    seconds: float | None = None


def _of(stage: Stage) -> ColumnElement[bool]:
    return and_(
        Artifact.stage == stage.name,
        Artifact.stage_version == stage.version,
        Artifact.params_hash == stage.params_hash,
    )


def pending_ids(session: Session, stage: Stage) -> list[str]:
    """Ids of the images that this stage has not finished, in a stable order."""
    finished = (
        select(Artifact.image_id).where(_of(stage), Artifact.state.in_(FINISHED)).scalar_subquery()
    )
    return list(
        session.scalars(select(Image.id).where(Image.id.not_in(finished)).order_by(Image.id))
    )


def claim(
    session: Session, stage: Stage, image_ids: Sequence[str], *, now: datetime, lease_s: float
) -> list[str]:
    """Lease those of `image_ids` that nobody else works on or has finished.

    Run it in a write transaction; a lease ends with its time or with the process that held it.
    """
    rows = {
        row.image_id: row
        for row in session.scalars(
            select(Artifact).where(_of(stage), Artifact.image_id.in_(image_ids))
        )
    }
    mine: list[str] = []
    until = now + timedelta(seconds=lease_s)
    for image_id in image_ids:
        row = rows.get(image_id)
        if row is None:
            row = Artifact(
                image_id=image_id,
                stage=stage.name,
                stage_version=stage.version,
                params_hash=stage.params_hash,
            )
            session.add(row)
        elif row.state in FINISHED or (row.state == "leased" and _is_held(row, now)):
            continue
        row.state = "leased"
        row.lease_owner = this_worker()
        row.lease_until = until
        row.updated_at = now
        mine.append(image_id)
    session.flush()
    return mine


def _is_held(row: Artifact, now: datetime) -> bool:
    if row.lease_until is None or row.lease_until < now or row.lease_owner is None:
        return False
    return row.lease_owner != this_worker() and not is_dead(row.lease_owner)


def held_by_others(session: Session, stage: Stage, *, now: datetime) -> bool:
    """Whether some other living worker holds images at this stage now."""
    query = select(Artifact).where(_of(stage), Artifact.state == "leased")
    return any(_is_held(row, now) for row in session.scalars(query))


def record(session: Session, stage: Stage, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Keep the outcomes of leased images and end their leases."""
    for outcome in outcomes:
        session.merge(
            Artifact(
                image_id=outcome.image_id,
                stage=stage.name,
                stage_version=stage.version,
                params_hash=stage.params_hash,
                state=outcome.state,
                payload=outcome.payload,
                error_class=outcome.error_class,
                error=outcome.error,
                seconds=outcome.seconds,
                lease_owner=None,
                lease_until=None,
                updated_at=now,
            )
        )


def payloads(
    session: Session, stage: Stage, image_ids: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Image id → payload of every good artifact of this stage."""
    query = select(Artifact.image_id, Artifact.payload).where(_of(stage), Artifact.state == "ok")
    if image_ids is not None:
        query = query.where(Artifact.image_id.in_(image_ids))
    return {row.image_id: row.payload or {} for row in session.execute(query)}


def newest_payloads(
    session: Session, stage_name: str, image_ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Image id → payload of the latest good artifact, whatever its version and parameters."""
    query = (
        select(Artifact.image_id, Artifact.payload)
        .where(
            Artifact.stage == stage_name,
            Artifact.state == "ok",
            Artifact.image_id.in_(image_ids),
        )
        .order_by(Artifact.updated_at)
    )
    return {row.image_id: row.payload or {} for row in session.execute(query)}


def counts(session: Session, stage_name: str) -> dict[str, int]:
    """State → number of artifacts of a stage, over all versions."""
    query = (
        select(Artifact.state, func.count())
        .where(Artifact.stage == stage_name)
        .group_by(Artifact.state)
    )
    return {row[0]: row[1] for row in session.execute(query)}
