"""Label Studio's annotations in our history: their keys, and which of them are there."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.label_tables import LabelWithdrawal
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.remote import RemoteAnnotation, RemoteTask
from lowdiff.labels.desk.wanted import DONE, PUSHED, TOUCHED


def annotation_key(annotation: RemoteAnnotation, task: RemoteTask, project: TaskProject) -> str:
    """`<annotation>:<updated at>@<project tag>#<batch>`; an edited annotation has a new one.

    The batch tells the task from others of its image: SQLite gives the id of a deleted task away.
    """
    return f"{annotation.id}:{annotation.revision}@{project.tag}#{_batch(task)}"


def _batch(task: RemoteTask) -> str:
    return str(task.data.get("push_batch"))[:8]


def is_known(key: str, keys: Collection[str]) -> bool:
    """Whether the history has this revision; keys of old have no batch."""
    return key in keys or key.split("#")[0] in keys


def revisions(
    keys: Iterable[str], task: RemoteTask, project: TaskProject, *, alone: bool
) -> dict[int, list[str]]:
    """Annotation id → all its keys, of the annotations that were made on a task.

    Args:
        alone: the image has no other task in the project; a key without a batch is then this one's.
    """
    found: dict[int, list[str]] = {}
    for key in keys:
        number, _, rest = key.partition("@")
        tag, _, batch = rest.split("~")[0].partition("#")
        if tag == project.tag and (batch == _batch(task) if batch else alone):
            found.setdefault(int(number.split(":")[0]), []).append(key)
    return found


def known_keys(session: Session, image_ids: Sequence[str]) -> dict[str, set[str]]:
    """Image id → keys of annotations in the history, withdrawn ones too."""
    query = (
        select(LabelEvent.image_id, LabelEvent.annotation_key)
        .where(LabelEvent.image_id.in_(image_ids), LabelEvent.annotation_key.is_not(None))
        .distinct()
    )
    found: dict[str, set[str]] = {}
    for image_id, key in session.execute(query):
        found.setdefault(image_id, set()).add(str(key))
    return found


def withdraw(session: Session, keys: Mapping[str, str], *, now: datetime) -> set[str]:
    """Let annotations count no more; their words stay in the history.

    Args:
        keys: annotation key → why.

    Returns:
        The keys that counted until now.
    """
    known: set[str] = set()
    for some in chunks(sorted(keys), 400):
        query = select(LabelWithdrawal.annotation_key)
        known |= set(session.scalars(query.where(LabelWithdrawal.annotation_key.in_(some))))
    fresh = keys.keys() - known
    session.add_all(
        LabelWithdrawal(annotation_key=key, withdrawn_at=now, reason=keys[key])
        for key in sorted(fresh)
    )
    return set(fresh)


def state_of(task: RemoteTask, keys: Collection[str], project: TaskProject) -> str:
    """What a task is to us, as the server shows it and the history knows its annotations."""
    if any(
        not one.was_skipped and is_known(annotation_key(one, task, project), keys)
        for one in task.annotations
    ):
        return DONE
    return TOUCHED if task.is_touched else PUSHED
