"""Re-prediction: tasks that nobody has touched show the newest drafts, in the newest order.

A task near the front of the queue may be open on somebody's screen: its prediction is changed in
place. (Label Studio refuses an annotation that began with a prediction that is gone.) Any other is
deleted, by a request that spares what people have touched, and pushed anew: that takes a tenth of
the time. What is killed in between is found missing by the next run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from lowdiff.catalog.tables import LabelTask
from lowdiff.labels.desk.history import known_keys, state_of
from lowdiff.labels.desk.prepare import Office, Prepared, prepare
from lowdiff.labels.desk.remote import RemoteTask
from lowdiff.labels.desk.tasks import MODEL_VERSION, place_of, score_of
from lowdiff.labels.desk.wanted import GONE, PUSHED, SETTLED, TOUCHED, Wanted, newest_tasks

SETTLED_FOR = timedelta(hours=1)
"""So long a task near the front, with nothing left to ask, waits at the end before it goes."""


@dataclass
class RefreshReport:
    """What became of tasks that were there."""

    updated: int = 0
    """Tasks that show something else now, in their place."""
    removed: int = 0
    """Tasks that were deleted: to be made anew, or because nothing is left to ask."""
    touched: int = 0
    """Tasks left alone: somebody has worked on them, or does."""
    again: list[Wanted] = field(default_factory=list)
    """What is to be pushed anew."""

    def add(self, other: "RefreshReport") -> None:
        """Count another batch in."""
        self.updated += other.updated
        self.removed += other.removed
        self.touched += other.touched
        self.again += other.again


def refresh_batch(
    wanted: Sequence[Wanted], office: Office, *, front: Collection[str]
) -> RefreshReport:
    """Bring tasks up to date; running it again changes nothing.

    Args:
        wanted: 200 to 500 of the present ones of a plan are a good batch.
        front: images whose tasks may be on a screen now.

    Raises:
        ServiceError: the server failed; nothing is lost, run it again.
    """
    report = RefreshReport()
    ready, _ = prepare(office, wanted, checked=False)
    with office.catalog.read() as session:
        rows = newest_tasks(session, office.project, [one.image_id for one in wanted])
    stale = [one for one in ready if _is_stale(one, rows.get(one.wanted.image_id))]
    near = [one for one in stale if one.wanted.image_id in front]
    _change(office, {rows[one.wanted.image_id].task_id or 0: one for one in near}, report)
    far = {one.wanted.image_id: one for one in stale if one.wanted.image_id not in front}
    gone = _remove(office, {rows[image_id].task_id or 0: image_id for image_id in far}, report)
    report.again = [far[image_id].wanted for image_id in gone]
    return report


def settle_batch(
    image_ids: Sequence[str], office: Office, *, front: Collection[str]
) -> RefreshReport:
    """Take away untouched tasks that ask nothing any more.

    Args:
        image_ids: of the settled ones of a plan.
        front: images whose tasks may be on a screen now: these are put at the end of the queue
            first, and taken away an hour later.
    """
    report = RefreshReport()
    with office.catalog.read() as session:
        rows = newest_tasks(session, office.project, image_ids)
    waiting: dict[int, LabelTask] = {}
    leaving: dict[int, str] = {}
    for image_id, row in rows.items():
        if row.state == SETTLED:
            since = row.changed_at or office.now()
            if since + SETTLED_FOR <= office.now():
                leaving[row.task_id or 0] = image_id
        elif image_id in front:
            waiting[row.task_id or 0] = row
        else:
            leaving[row.task_id or 0] = image_id
    for task in _untouched(office, waiting, report):
        for prediction in task.predictions:
            office.client.update_prediction(prediction.id, prediction.result, score_of(0.0))
        _keep(office, waiting[task.id].image_id, SETTLED, priority=0.0)
    _remove(office, leaving, report)
    return report


def _is_stale(one: Prepared, row: LabelTask | None) -> bool:
    if row is None or row.state not in (PUSHED, SETTLED, TOUCHED):
        return False
    return one.wanted.moved or row.state == SETTLED or row.prediction_hash != one.prediction_hash


def _change(office: Office, tasks: Mapping[int, Prepared], report: RefreshReport) -> None:
    """Other predictions in the place of these tasks' own."""
    for task in _untouched(office, tasks, report):
        one = tasks[task.id]
        place = one.wanted.ask, one.wanted.priority
        if task.predictions:
            newest = task.predictions[-1].id
            office.client.update_prediction(newest, one.result, score_of(one.wanted.priority))
        else:
            office.client.predict(task.id, one.result, score_of(one.wanted.priority), MODEL_VERSION)
        data = task.data | place_of(*place)
        if data["ask"] != task.data.get("ask"):
            office.client.update_data(task.id, data)
        _keep(
            office, one.wanted.image_id, PUSHED,
            priority=one.wanted.priority, prediction_hash=one.prediction_hash,
        )  # fmt: skip
        report.updated += 1


def _remove(office: Office, tasks: Mapping[int, str], report: RefreshReport) -> list[str]:
    """Delete those of the tasks that nobody has touched; the ids of their images, in order."""
    ids = list(tasks)
    if not ids:
        return []
    office.client.delete_untouched(office.project.project_id, ids)
    left = {task.id: task for task in _read(office, ids)}
    _note(office, {task_id: tasks[task_id] for task_id in ids}, left)
    removed = [tasks[task_id] for task_id in ids if task_id not in left]
    report.removed += len(removed)
    report.touched += len(left)
    return removed


def _untouched(
    office: Office, tasks: Mapping[int, Prepared] | Mapping[int, LabelTask], report: RefreshReport
) -> list[RemoteTask]:
    """Those of the tasks that are there and nobody has worked on; the others are noted."""
    if not tasks:
        return []
    there = {task.id: task for task in _read(office, list(tasks))}
    images = {
        task_id: one.wanted.image_id if isinstance(one, Prepared) else one.image_id
        for task_id, one in tasks.items()
    }
    others = {
        task_id: image_id
        for task_id, image_id in images.items()
        if task_id not in there or there[task_id].is_touched
    }
    _note(office, others, there)
    report.touched += sum(task_id in there for task_id in others)
    return [task for task_id, task in there.items() if task_id not in others]


def _read(office: Office, ids: Sequence[int]) -> list[RemoteTask]:
    return office.client.tasks_with_predictions(office.project.project_id, ids)


def _note(office: Office, images: Mapping[int, str], there: Mapping[int, RemoteTask]) -> None:
    """Keep what became of tasks: gone, or as the server shows them."""
    if not images:
        return
    with office.catalog.write() as session:
        rows = newest_tasks(session, office.project, list(images.values()))
        keys = known_keys(session, list(images.values()))
        for task_id, image_id in images.items():
            row = rows[image_id]
            if row.task_id != task_id:
                continue
            task = there.get(task_id)
            if task is None:
                row.state = GONE
            else:
                row.state = state_of(task, keys.get(image_id, ()), office.project)
            row.changed_at = office.now()


def _keep(
    office: Office,
    image_id: str,
    state: str,
    *,
    priority: float,
    prediction_hash: str | None = None,
) -> None:
    with office.catalog.write() as session:
        row = newest_tasks(session, office.project, [image_id])[image_id]
        row.state, row.priority, row.changed_at = state, priority, office.now()
        if prediction_hash is not None:
            row.prediction_hash = prediction_hash
