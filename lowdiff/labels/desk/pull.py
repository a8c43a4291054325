"""Pull: what people submitted in Label Studio becomes events of the append-only label history.

Polling is the truth: we ask for tasks that changed since the last pull, with some overlap, and an
event that is known already adds nothing. What is deleted there:

- an annotation: its words stay in the history and count no more;
- a task: its labels stay and count, for who clears a list takes nothing back. Its image may become
  a task again, when there is something left to ask.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.labels import append_events, current_labels
from lowdiff.catalog.tables import LabelEvent, LabelProject
from lowdiff.errors import InputError
from lowdiff.labels.accept.evidence import is_same
from lowdiff.labels.desk.history import (
    annotation_key,
    is_known,
    known_keys,
    revisions,
    withdraw,
)
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.pulled import PullReport, compare, drafts_of
from lowdiff.labels.desk.remote import RemoteAnnotation, RemoteTask
from lowdiff.labels.desk.states import alone, find_gone, note_states
from lowdiff.labels.desk.tasks import Form, boxes_value, from_result
from lowdiff.labels.quality.second_look import open_second_looks
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import FORM, boxes_field

OVERLAP = timedelta(minutes=2)
"""A change that the server had not committed when we last asked is still found."""
PAGE = 100
HUMAN = "human"
DELETED, EDITED, SKIPPED = "deleted in Label Studio", "edited: a later revision", "skipped since"


@dataclass(frozen=True)
class _Source:
    """Where a pull reads, and where it writes."""

    client: LabelStudio
    project: TaskProject
    schema: Schema
    catalog: Catalog
    now: Callable[[], datetime]

    @cached_property
    def emails(self) -> dict[int, str]:
        return self.client.emails()


@dataclass
class _Page:
    """What a page of tasks adds."""

    events: list[LabelEvent] = field(default_factory=list)
    withdrawn: dict[str, str] = field(default_factory=dict)
    """Annotation key → why."""


def pull(
    *,
    client: LabelStudio,
    project: TaskProject,
    schema: Schema,
    catalog: Catalog,
    now: Callable[[], datetime] = utc_now,
) -> PullReport:
    """Bring in what changed since the last pull; running it again adds nothing.

    An event carries the annotator's e-mail, the annotation with its revision, the seconds spent on
    the whole annotation, and the time at which it was submitted.

    Raises:
        ServiceError: the server failed; what was brought in stays, run it again.
    """
    source = _Source(client, project, schema, catalog, now)
    report = PullReport()
    with catalog.read() as session:
        until = session.get_one(LabelProject, project.key).pulled_until
    tasks = client.changed_tasks(project.project_id, until and until - OVERLAP)
    seen: set[str] = set()
    for some in _pages(tasks):
        seen |= _keep(some, report, source)
        until = max([task.updated_at for task in some] + ([until] if until else []))
    report.images = len(seen)
    report.gone = find_gone(client, project, catalog=catalog, now=now())
    with catalog.write() as session:
        session.get_one(LabelProject, project.key).pulled_until = until
    return report


def label_events(
    annotation: RemoteAnnotation,
    *,
    image_id: str,
    form: Form,
    schema: Schema,
    actor: str,
    key: str,
    screen: str = FORM,
) -> list[LabelEvent]:
    """The statements of one annotation: one per field that was shown, and one for the boxes."""
    values = form.values | {boxes_field(schema, screen): boxes_value(form.boxes)}
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


def _keep(tasks: Sequence[RemoteTask], report: PullReport, source: _Source) -> set[str]:
    """Append what a page of tasks says; returns the images with something new."""
    ids = [str(task.data.get("image_id")) for task in tasks]
    with source.catalog.read() as session:
        known = known_keys(session, ids)
        single = alone(session, source.project, ids)
        context = _Context.read(session, ids) if any(task.annotations for task in tasks) else None
    page = _Page()
    for task, image_id in zip(tasks, ids, strict=True):
        keys = known.setdefault(image_id, set())
        before = revisions(keys, task, source.project, alone=image_id in single)
        there = {annotation.id for annotation in task.annotations}
        for number in before.keys() - there:
            page.withdrawn |= dict.fromkeys(before[number], DELETED)
        for annotation in task.annotations:
            key = annotation_key(annotation, task, source.project)
            if is_known(key, keys):
                continue
            if annotation.was_skipped:
                report.skipped += 1
                page.withdrawn |= dict.fromkeys(before.get(annotation.id, ()), SKIPPED)
                continue
            if context is None or not _read(task, annotation, key, page, report, source, context):
                continue
            page.withdrawn |= dict.fromkeys(before.get(annotation.id, ()), EDITED)
            keys.add(key)
    with source.catalog.write() as session:
        append_events(session, page.events)
        fresh = withdraw(session, page.withdrawn, now=source.now())
        note_states(session, tasks, known, source.project, now=source.now())
    report.withdrawn += len(
        {key.split(":")[0] for key in fresh if page.withdrawn[key] in (DELETED, SKIPPED)}
    )
    return {event.image_id for event in page.events}


@dataclass(frozen=True)
class _Context:
    """What is known of the images of a page before it is read."""

    images: Mapping[str, Any]
    drafts: Mapping[str, Mapping[str, Any]]
    looks: Mapping[str, Mapping[str, str]]
    labels: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, session: Session, ids: Sequence[str]) -> "_Context":
        return cls(
            images_by_id(session, ids),
            drafts_of(session, ids),
            open_second_looks(session),
            current_labels(session, ids),
        )


def _read(
    task: RemoteTask,
    annotation: RemoteAnnotation,
    key: str,
    page: _Page,
    report: PullReport,
    source: _Source,
    context: _Context,
) -> bool:
    """Turn one annotation into events; False when it cannot be kept, and says why."""
    image_id = str(task.data.get("image_id"))
    screen = source.project.screen
    try:
        _must_be_ours(image_id, context.images)
        form = from_result(source.schema, annotation.result, screen=screen)
    except InputError as refusal:
        report.refused[f"{source.project.first_page}?task={task.id}"] = str(refusal)
        return False
    actor = source.emails.get(annotation.author_id or 0, f"user {annotation.author_id}")
    page.events += label_events(
        annotation, image_id=image_id, form=form, schema=source.schema, actor=actor, key=key,
        screen=screen,
    )  # fmt: skip
    report.annotations += 1
    report.human_seconds += annotation.lead_time_s or 0.0
    compare(report, form, context.drafts.get(image_id, {}))
    said = context.labels.get(image_id, {})
    for name in context.looks.get(image_id, {}).keys() & form.values.keys():
        report.looked_again += 1
        before = said[name].value if name in said else None
        same = is_same(source.schema.field(name), before, form.values[name])
        report.changed_again += not same
    return True


def _must_be_ours(image_id: str, images: Mapping[str, Any]) -> None:
    if image_id not in images:
        raise InputError(
            image_id, "a task of an image that is not in the catalog", reason="unknown_image"
        )


def _pages(tasks: Iterable[RemoteTask]) -> Iterable[list[RemoteTask]]:
    rest = iter(tasks)
    while page := list(islice(rest, PAGE)):
        yield page
