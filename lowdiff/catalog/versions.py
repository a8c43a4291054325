"""Rows about dataset versions and training runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.tables import DatasetItem, DatasetVersion, Run


def newest_version(session: Session, name: str) -> DatasetVersion | None:
    """The dataset version with the highest number, if there is one."""
    query = select(DatasetVersion).where(DatasetVersion.name == name)
    return session.scalar(query.order_by(DatasetVersion.version.desc()).limit(1))


def find_version(session: Session, name: str, version: int) -> DatasetVersion | None:
    """One dataset version by its number."""
    query = select(DatasetVersion).where(
        DatasetVersion.name == name, DatasetVersion.version == version
    )
    return session.scalar(query)


def add_version(
    session: Session, version: DatasetVersion, items: Mapping[str, tuple[str, str]]
) -> None:
    """Keep a version and its members: image id → (split, label hash)."""
    session.add(version)
    session.flush()
    session.add_all(
        DatasetItem(digest=version.digest, image_id=image_id, split=split, label_hash=label_hash)
        for image_id, (split, label_hash) in items.items()
    )
    session.flush()


def start_run(session: Session, run: Run) -> Run:
    """Keep a run that starts, or find it when the same command is run again."""
    known = session.get(Run, run.id)
    if known is not None:
        if known.state != "done":
            known.state = "running"
        return known
    session.add(run)
    session.flush()
    return run


def finish_run(
    session: Session, run_id: str, *, state: str, summary: dict[str, Any], now: datetime
) -> None:
    """Close a run with its last figures."""
    run = session.get_one(Run, run_id)
    run.state, run.summary, run.finished_at = state, summary, now


def newest_run(session: Session, kind: str, *, state: str = "done") -> Run | None:
    """The run of a kind that finished last."""
    query = select(Run).where(Run.kind == kind, Run.state == state)
    return session.scalar(query.order_by(Run.finished_at.desc(), Run.id).limit(1))


def count_images_in(session: Session, digest: str) -> dict[str, int]:
    """Split → number of images of a dataset version."""
    query = (
        select(DatasetItem.split, func.count())
        .where(DatasetItem.digest == digest)
        .group_by(DatasetItem.split)
    )
    return {row[0]: row[1] for row in session.execute(query)}
