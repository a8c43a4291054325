"""Pull: what people submitted in Label Studio becomes events of the append-only label history.

Polling is the truth: we ask for tasks that changed since the last pull, with some overlap, and an
event that is known already adds nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import LabelEvent, LabelProject
from lowdiff.errors import InputError
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.remote import RemoteAnnotation, RemoteTask
from lowdiff.labels.desk.tasks import Form, boxes_value, clean_text, from_result
from lowdiff.labels.schema import Schema

OVERLAP = timedelta(minutes=2)
"""A change that the server had not committed when we last asked is still found."""
PAGE = 100
HUMAN = "human"
MACHINES = ("rule", "model", "propagated")


@dataclass
class PullReport:
    """What one pull brought."""

    annotations: int = 0
    """Annotations, or new revisions of them, that were not in the history yet."""
    images: int = 0
    confirmed: int = 0
    """Fields that a person left as drafted."""
    corrected: int = 0
    """Fields that a person changed, or filled in where there was no draft."""
    skipped: int = 0
    """Skipped tasks among those looked at; that is no label."""
    withdrawn: int = 0
    """Annotations of the tasks looked at that are in the history, but gone from the server."""
    human_seconds: float = 0.0
    refused: dict[str, str] = field(default_factory=dict)
    """Task's address → why its annotation cannot be kept."""


def pull(
    *, client: LabelStudio, project: TaskProject, schema: Schema, catalog: Catalog
) -> PullReport:
    """Bring in what changed since the last pull; running it again adds nothing.

    An event carries the annotator's e-mail, the annotation with its revision, the seconds spent on
    the whole annotation, and the time at which it was submitted.

    Raises:
        ServiceError: the server failed; what was brought in stays, run it again.
    """
    report = PullReport()
    with catalog.read() as session:
        until = session.get_one(LabelProject, project.key).pulled_until
    emails = client.emails()
    tasks = client.changed_tasks(project.project_id, until and until - OVERLAP)
    seen: set[str] = set()
    for some in _pages(tasks):
        seen |= _keep(some, report, project, schema, catalog, emails)
        until = max([task.updated_at for task in some] + ([until] if until else []))
    report.images = len(seen)
    with catalog.write() as session:
        session.get_one(LabelProject, project.key).pulled_until = until
    return report


def label_events(
    annotation: RemoteAnnotation, *, image_id: str, form: Form, schema: Schema, actor: str, key: str
) -> list[LabelEvent]:
    """The statements of one annotation: one per field of the form, and one for the boxes."""
    values = form.values | {schema.boxes.name: boxes_value(form.boxes)}
    return [
        LabelEvent(
            image_id=image_id,
            field=name,
            value=value,
            origin=HUMAN,
            actor=actor,
            confidence=None,
            schema_version=schema.version,
            annotation_key=key,
            lead_time_s=annotation.lead_time_s,
            created_at=annotation.updated_at,
        )
        for name, value in values.items()
    ]


def annotation_key(annotation: RemoteAnnotation, project: TaskProject) -> str:
    """`<annotation id>:<updated at>@<project tag>`; an edited annotation has a new one."""
    return f"{annotation.id}:{annotation.revision}@{project.tag}"


def _keep(
    tasks: Sequence[RemoteTask],
    report: PullReport,
    project: TaskProject,
    schema: Schema,
    catalog: Catalog,
    emails: Mapping[int, str],
) -> set[str]:
    """Append what a page of tasks says; returns the images with something new."""
    ids = [str(task.data.get("image_id")) for task in tasks]
    with catalog.read() as session:
        images = images_by_id(session, ids)
        known = _known_keys(session, ids)
        drafts = _drafts(session, ids)
    events: list[LabelEvent] = []
    for task, image_id in zip(tasks, ids, strict=True):
        report.withdrawn += _withdrawn(task, known.get(image_id, set()), project)
        for annotation in task.annotations:
            key = annotation_key(annotation, project)
            if key in known.get(image_id, set()):
                continue
            if annotation.was_skipped:
                report.skipped += 1
                continue
            try:
                _must_be_ours(image_id, images)
                form = from_result(schema, annotation.result)
            except InputError as refusal:
                address = project.url.split("?")[0] + f"?task={task.id}"
                report.refused[address] = str(refusal)
                continue
            actor = emails.get(annotation.author_id or 0, f"user {annotation.author_id}")
            events += label_events(
                annotation, image_id=image_id, form=form, schema=schema, actor=actor, key=key
            )
            report.annotations += 1
            report.human_seconds += annotation.lead_time_s or 0.0
            _compare(report, form, drafts.get(image_id, {}))
    with catalog.write() as session:
        append_events(session, events)
    return {event.image_id for event in events}


def _must_be_ours(image_id: str, images: Mapping[str, Any]) -> None:
    if image_id not in images:
        raise InputError(
            image_id, "a task of an image that is not in the catalog", reason="unknown_image"
        )


def _compare(report: PullReport, form: Form, draft: Mapping[str, Any]) -> None:
    for name, value in form.values.items():
        drafted = draft.get(name)
        if isinstance(drafted, str):
            drafted = clean_text(drafted)
        if value == drafted or (drafted is None and value in ("", [])):
            report.confirmed += 1
        else:
            report.corrected += 1


def _withdrawn(task: RemoteTask, known: Iterable[str], project: TaskProject) -> int:
    ours = {key.split(":")[0] for key in known if key.endswith(f"@{project.tag}")}
    return len(ours - {str(annotation.id) for annotation in task.annotations})


def _known_keys(session: Session, image_ids: Sequence[str]) -> dict[str, set[str]]:
    """Image id → annotation keys that are in the history."""
    query = (
        select(LabelEvent.image_id, LabelEvent.annotation_key)
        .where(LabelEvent.image_id.in_(image_ids), LabelEvent.annotation_key.is_not(None))
        .distinct()
    )
    found: dict[str, set[str]] = {}
    for image_id, key in session.execute(query):
        found.setdefault(image_id, set()).add(str(key))
    return found


def _drafts(session: Session, image_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Image id → field → what a machine said last."""
    query = (
        select(LabelEvent.image_id, LabelEvent.field, LabelEvent.value)
        .where(LabelEvent.image_id.in_(image_ids), LabelEvent.origin.in_(MACHINES))
        .order_by(LabelEvent.id)
    )
    found: dict[str, dict[str, Any]] = {}
    for image_id, name, value in session.execute(query):
        found.setdefault(image_id, {})[name] = value
    return found


def _pages(tasks: Iterable[RemoteTask]) -> Iterable[list[RemoteTask]]:
    rest = iter(tasks)
    while page := list(islice(rest, PAGE)):
        yield page
