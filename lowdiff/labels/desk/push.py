"""Push: images with a draft become Label Studio tasks with the draft filled in, exactly once.

Importing is not idempotent on the server, so every batch is recorded as an intent with an id of
its own, which the tasks carry. After a crash we ask the server for that id and adopt what is there.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, claim, newest_payloads, record
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.labels import Label, current_labels
from lowdiff.catalog.tables import LabelTask
from lowdiff.errors import InputError
from lowdiff.labels.desk.candidates import DRAFT, push_stage
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.remote import RemoteTask
from lowdiff.labels.desk.screen import Screen, checked_result
from lowdiff.labels.desk.tasks import Form, make_task
from lowdiff.labels.desk.working_copies import image_url, working_copy
from lowdiff.labels.drafts.boxes import draft_boxes
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import label_config
from lowdiff.store import Store
from lowdiff.workspace import Workspace

PUSHING, PUSHED = "pushing", "pushed"
CHUNK = 400


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


@dataclass(frozen=True)
class _Draft:
    """A task ready for import; its batch id is set last."""

    image_id: str
    task: dict[str, Any]
    prediction_hash: str


def push_batch(
    image_ids: Sequence[str],
    *,
    client: LabelStudio,
    project: TaskProject,
    schema: Schema,
    catalog: Catalog,
    store: Store,
    workspace: Workspace,
    document_root: Path,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
) -> PushReport:
    """Make one task for each image that has a draft and no task yet. Run batches one at a time.

    Args:
        image_ids: 200 to 500 of `pending_push` are a good batch.
        document_root: the server's LOCAL_FILES_DOCUMENT_ROOT; the working copies lie below it.

    Raises:
        ServiceError: the server failed; nothing is lost, run it again.
        ContractError: the server refuses the batch.
    """
    report = PushReport()
    stage = push_stage(project)
    with catalog.write() as session:
        drafted = newest_payloads(session, DRAFT, image_ids)
        wanted = [image_id for image_id in image_ids if image_id in drafted]
        mine = claim(session, stage, wanted, now=now(), lease_s=lease_s)
    open_batches = _open_batches(catalog, project, schema, mine)
    adopted = _adopt(client, project, open_batches, catalog=catalog, now=now)
    report.adopted = len(adopted)
    rest = [image_id for image_id in mine if image_id not in adopted]
    ready = _prepare(
        rest, drafted, report, schema=schema, catalog=catalog, store=store, project=project,
        workspace=workspace, document_root=document_root,
    )  # fmt: skip
    with catalog.write() as session:
        refused = [
            Outcome(image_id, "refused", error_class="InputError", error=why)
            for image_id, why in report.refused.items()
        ]
        record(session, stage, refused, now=now())
    if ready:
        _import(client, project, schema, ready, catalog=catalog, now=now)
        report.pushed = len(ready)
        # an import that was under way when an earlier push died may have ended meanwhile
        _adopt(client, project, open_batches, catalog=catalog, now=now)
    return report


def external_key(image_id: str, project: TaskProject, schema: Schema) -> str:
    """Our unique name of the task of an image: `<image id>:<major>:<project tag>`."""
    return f"{image_id}:{schema.major}:{project.tag}"


def _open_batches(
    catalog: Catalog, project: TaskProject, schema: Schema, image_ids: Sequence[str]
) -> dict[str, str]:
    """Image id → batch id of the push that was interrupted before it knew the task's id."""
    found: dict[str, str] = {}
    keys = [external_key(image_id, project, schema) for image_id in image_ids]
    with catalog.read() as session:
        for some in chunks(keys, CHUNK):
            query = select(LabelTask).where(LabelTask.external_key.in_(some))
            found |= {row.image_id: row.push_batch for row in session.scalars(query)}
    return found


def _adopt(
    client: LabelStudio,
    project: TaskProject,
    open_batches: Mapping[str, str],
    *,
    catalog: Catalog,
    now: Callable[[], datetime],
) -> set[str]:
    """Take over the tasks that interrupted pushes made; delete second ones nobody worked on."""
    first: dict[str, RemoteTask] = {}
    for batch in sorted(set(open_batches.values())):
        for task in client.tasks_of_batch(project.project_id, batch):
            key = str(task.data.get("external_key"))
            if key in first and not task.annotations:
                client.delete_task(task.id)
            else:
                first.setdefault(key, task)
    mine = {key: task for key, task in first.items() if key.split(":")[0] in open_batches}
    _finish(catalog, project, {key: task.id for key, task in mine.items()}, now)
    return {key.split(":")[0] for key in mine}


def _prepare(
    image_ids: Sequence[str],
    drafted: Mapping[str, Mapping[str, Any]],
    report: PushReport,
    *,
    schema: Schema,
    catalog: Catalog,
    store: Store,
    project: TaskProject,
    workspace: Workspace,
    document_root: Path,
) -> list[_Draft]:
    """Render the working copies and fill in the forms; a broken image is refused."""
    with catalog.read() as session:
        images = images_by_id(session, image_ids)
        labels = current_labels(session, image_ids)
        texts = newest_payloads(session, "ocr", image_ids)
    screen = Screen(label_config(schema))
    ready = []
    for image_id in image_ids:
        image = images[image_id]
        present = labels.get(image_id, {})
        try:
            size = working_copy(image, store=store, folder=workspace.working_copies)
        except InputError as refusal:
            report.refused[image_id] = str(refusal)
            continue
        ocr = _read_ocr(store, texts.get(image_id))
        boxes = draft_boxes(image, draft=drafted[image_id], ocr=ocr)
        form = Form({name: label.value for name, label in present.items()}, boxes)
        result = checked_result(image_id, schema, form, screen, size)
        path = workspace.working_copies / f"{image_id}.png"
        task = make_task(
            image_url=image_url(path, document_root=document_root),
            image_id=image_id,
            external_key=external_key(image_id, project, schema),
            push_batch="",
            result=result,
            score=_least_sure(present),
        )
        said = json.dumps(result, sort_keys=True, ensure_ascii=False)
        ready.append(_Draft(image_id, task, hashlib.sha256(said.encode()).hexdigest()))
    return ready


def _import(
    client: LabelStudio,
    project: TaskProject,
    schema: Schema,
    drafts: Sequence[_Draft],
    *,
    catalog: Catalog,
    now: Callable[[], datetime],
) -> None:
    """Record the intent, send the batch, record the tasks' ids."""
    fresh = str(uuid.uuid4())
    with catalog.write() as session:
        for draft in drafts:
            key = external_key(draft.image_id, project, schema)
            row = session.get(LabelTask, key)
            if row is None:
                row = LabelTask(
                    external_key=key, project_key=project.key, image_id=draft.image_id,
                    push_batch=fresh,
                )  # fmt: skip
                session.add(row)
            row.state, row.prediction_hash = PUSHING, draft.prediction_hash
            draft.task["data"]["push_batch"] = row.push_batch
    ids = client.import_tasks(project.project_id, [draft.task for draft in drafts])
    keys = [external_key(draft.image_id, project, schema) for draft in drafts]
    _finish(catalog, project, dict(zip(keys, ids, strict=True)), now)


def _finish(
    catalog: Catalog,
    project: TaskProject,
    task_ids: Mapping[str, int],
    now: Callable[[], datetime],
) -> None:
    """Keep the tasks' ids; from here on these images are pushed."""
    with catalog.write() as session:
        done = []
        for key, task_id in task_ids.items():
            row = session.get_one(LabelTask, key)
            row.task_id, row.state, row.pushed_at = task_id, PUSHED, now()
            done.append(Outcome(row.image_id, "ok", {"task_id": task_id}))
        record(session, push_stage(project), done, now=now())


def _read_ocr(store: Store, payload: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not payload or not payload.get("words"):
        return None
    document: Mapping[str, Any] = json.loads(store.read(payload["key"]))
    return document


def _least_sure(labels: Mapping[str, Label]) -> float:
    """The lowest confidence of a machine's label; 1 when people said everything."""
    return min(
        (label.confidence or 0.0 for label in labels.values() if not label.is_human), default=1.0
    )
