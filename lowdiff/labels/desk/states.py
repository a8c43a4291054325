"""What our tasks are now, by what the server shows: done, begun, open again, gone."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import LabelTask
from lowdiff.labels.desk.history import state_of
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.remote import RemoteTask
from lowdiff.labels.desk.wanted import DONE, GONE, PUSHED, PUSHING, TOUCHED


def note_states(
    session: Session,
    tasks: Sequence[RemoteTask],
    known: Mapping[str, set[str]],
    project: TaskProject,
    *,
    now: datetime,
) -> None:
    """Keep which tasks are done, begun, or open again.

    Args:
        known: image id → keys of the annotations in the history.
    """
    for task in tasks:
        row = session.get(LabelTask, str(task.data.get("external_key")))
        if row is None or row.task_id != task.id:
            continue
        state = state_of(task, known.get(row.image_id, ()), project)
        if state != row.state and (state != PUSHED or row.state in (TOUCHED, DONE)):
            row.state, row.changed_at = state, now


def find_gone(client: LabelStudio, project: TaskProject, *, catalog: Catalog, now: datetime) -> int:
    """Note the tasks that somebody deleted; their number alone tells that there are some."""
    with catalog.read() as session:
        query = select(LabelTask.task_id, LabelTask.external_key).where(
            LabelTask.project_key == project.key, LabelTask.state.not_in((PUSHING, GONE))
        )
        rows = {row.task_id: row.external_key for row in session.execute(query)}
    there, _ = client.progress(project.project_id)
    if there == len(rows):
        return 0
    missing = rows.keys() - client.task_ids(project.project_id)
    with catalog.write() as session:
        for task_id in missing:
            row = session.get_one(LabelTask, rows[task_id])
            if row.task_id == task_id:
                row.state, row.changed_at = GONE, now
    return len(missing)


def alone(session: Session, project: TaskProject, image_ids: Sequence[str]) -> set[str]:
    """Images that have never had more than one task in the project."""
    query = select(LabelTask.image_id, LabelTask.state).where(
        LabelTask.project_key == project.key, LabelTask.image_id.in_(image_ids)
    )
    found: dict[str, int] = {}
    for image_id, _ in session.execute(query):
        found[image_id] = found.get(image_id, 0) + 1
    return {image_id for image_id, number in found.items() if number == 1}
