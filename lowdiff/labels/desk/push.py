"""Push: images that a person should see become Label Studio tasks, filled in, exactly once.

Importing is not idempotent on the server, so every batch is recorded as an intent with an id of
its own, which the tasks carry. After a crash we ask the server for that id and adopt what is there.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lowdiff.catalog.artifacts import Outcome, claim, record
from lowdiff.catalog.tables import Artifact, LabelTask
from lowdiff.labels.desk.candidates import DRAFT, push_stage
from lowdiff.labels.desk.prepare import Office, Prepared, prepare
from lowdiff.labels.desk.remote import RemoteTask
from lowdiff.labels.desk.tasks import make_task
from lowdiff.labels.desk.wanted import (
    DONE,
    GONE,
    PUSHED,
    PUSHING,
    Wanted,
    external_key,
    newest_tasks,
    round_of,
)
from lowdiff.labels.desk.working_copies import image_url


@dataclass
class PushReport:
    """What became of one batch."""

    pushed: int = 0
    adopted: int = 0
    """Tasks that an interrupted push had made already."""
    refused: dict[str, str] = field(default_factory=dict)
    """Image id → why it can never be a task."""

    def add(self, other: "PushReport") -> None:
        """Count another batch in."""
        self.pushed += other.pushed
        self.adopted += other.adopted
        self.refused |= other.refused


def push_batch(wanted: Sequence[Wanted], office: Office) -> PushReport:
    """Make one task for each of these; what is there already is left alone.

    Run batches one at a time.

    Args:
        wanted: 200 to 500 of the fresh ones of a plan are a good batch.

    Raises:
        ServiceError: the server failed; nothing is lost, run it again.
        ContractError: the server refuses the batch, or a draft does not fit the schema.
    """
    report = PushReport()
    with office.catalog.write() as session:
        rows = _claim(session, wanted, office)
        intents = {row.external_key: row.push_batch for row in rows.values() if row is not None
                   and row.state == PUSHING}  # fmt: skip
    adopted = _adopt(office, intents)
    report.adopted = len(adopted)
    rest = [one for one in wanted if one.image_id in rows and one.image_id not in adopted]
    ready, report.refused = prepare(office, rest, checked=True)
    with office.catalog.write() as session:
        refused = [
            Outcome(image_id, "refused", error_class="InputError", error=why)
            for image_id, why in report.refused.items()
        ]
        record(session, push_stage(office.project), refused, now=office.now())
    if ready:
        _import(office, ready)
        report.pushed = len(ready)
        # an import that was under way when an earlier push died may have ended meanwhile
        _adopt(office, intents)
    return report


def _claim(
    session: Session, wanted: Sequence[Wanted], office: Office
) -> dict[str, LabelTask | None]:
    """Lease the images; image id → its latest task, where there is one, of those that are ours."""
    stage, ids = push_stage(office.project), [one.image_id for one in wanted]
    known = newest_tasks(session, office.project, ids)
    drafted = set(
        session.scalars(
            select(Artifact.image_id).where(
                Artifact.stage == DRAFT, Artifact.state == "ok", Artifact.image_id.in_(ids)
            )
        )
    )
    free = [
        image_id
        for image_id in ids
        if image_id in drafted
        and (image_id not in known or known[image_id].state in (PUSHING, GONE, DONE))
    ]
    again = [image_id for image_id in free if image_id in known]
    session.execute(
        delete(Artifact).where(
            Artifact.stage == stage.name,
            Artifact.params_hash == stage.params_hash,
            Artifact.state == "ok",
            Artifact.image_id.in_(again),
        )
    )
    mine = claim(session, stage, free, now=office.now(), lease_s=office.lease_s)
    return {image_id: known.get(image_id) for image_id in mine}


def _adopt(office: Office, intents: Mapping[str, str]) -> set[str]:
    """Take over the tasks that interrupted pushes made; delete second ones nobody worked on.

    Args:
        intents: external key → batch id of the push that was interrupted before it knew the id.

    Returns:
        The ids of their images.
    """
    first: dict[str, RemoteTask] = {}
    for batch in sorted(set(intents.values())):
        for task in office.client.tasks_of_batch(office.project.project_id, batch):
            key = str(task.data.get("external_key"))
            if key in first and not task.is_touched:
                office.client.delete_task(task.id)
            else:
                first.setdefault(key, task)
    _finish(office, {key: task.id for key, task in first.items() if key in intents})
    return {key.split(":")[0] for key in first if key in intents}


def _import(office: Office, ready: Sequence[Prepared]) -> None:
    """Record the intent, send the batch, record the tasks' ids."""
    fresh = str(uuid.uuid4())
    tasks: dict[str, dict[str, Any]] = {}
    with office.catalog.write() as session:
        known = newest_tasks(session, office.project, [one.wanted.image_id for one in ready])
        for one in ready:
            row = _intent(session, office, one, known.get(one.wanted.image_id), fresh)
            path = office.workspace.working_copies / f"{row.image_id}.png"
            tasks[row.external_key] = make_task(
                image_url=image_url(path, document_root=office.document_root),
                image_id=row.image_id,
                external_key=row.external_key,
                push_batch=row.push_batch,
                result=one.result,
                ask=one.wanted.ask,
                priority=one.wanted.priority,
            )
    ids = office.client.import_tasks(office.project.project_id, list(tasks.values()))
    _finish(office, dict(zip(tasks, ids, strict=True)))


def _intent(
    session: Session, office: Office, one: Prepared, known: LabelTask | None, batch: str
) -> LabelTask:
    """The row of a task that is about to be made; a push that was interrupted keeps its batch."""
    number = 1 if known is None else round_of(known.external_key) + (known.state == DONE)
    key = external_key(one.wanted.image_id, office.project, office.schema, number)
    if known is not None and known.external_key == key:
        row = known
        if row.state != PUSHING:
            row.push_batch, row.task_id = batch, None
    else:
        row = LabelTask(
            external_key=key, project_key=office.project.key, image_id=one.wanted.image_id,
            push_batch=batch,
        )  # fmt: skip
        session.add(row)
    row.state, row.prediction_hash = PUSHING, one.prediction_hash
    row.priority, row.changed_at = one.wanted.priority, office.now()
    return row


def _finish(office: Office, task_ids: Mapping[str, int]) -> None:
    """Keep the tasks' ids; from here on these images are pushed."""
    stage = push_stage(office.project)
    with office.catalog.write() as session:
        _give_up(session, office, task_ids)
        rows = list(
            session.scalars(select(LabelTask).where(LabelTask.external_key.in_(list(task_ids))))
        )
        # one query for what `record` would look up one by one: a session finds a row again by its
        # key for as long as somebody holds it
        held = session.scalars(
            select(Artifact).where(
                Artifact.stage == stage.name,
                Artifact.params_hash == stage.params_hash,
                Artifact.image_id.in_([row.image_id for row in rows]),
            )
        ).all()
        done = []
        for row in rows:
            row.task_id, row.state = task_ids[row.external_key], PUSHED
            row.pushed_at = row.changed_at = office.now()
            done.append(Outcome(row.image_id, "ok", {"task_id": row.task_id}))
        record(session, stage, done, now=office.now())
        del held


def _give_up(session: Session, office: Office, task_ids: Mapping[str, int]) -> None:
    """SQLite gives the ids of deleted tasks away: whose id was given to another one is gone."""
    query = select(LabelTask).where(
        LabelTask.project_key == office.project.key,
        LabelTask.task_id.in_(list(task_ids.values())),
        LabelTask.external_key.not_in(list(task_ids)),
    )
    for row in session.scalars(query):
        row.task_id, row.state, row.changed_at = None, GONE, office.now()
