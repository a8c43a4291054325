"""Label Studio and a project: reach it, plan what its tasks should be, keep them so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lowdiff.catalog.labels import current_labels, human_fields
from lowdiff.labels.accept.policy import Policy, open_fields
from lowdiff.labels.desk.candidates import unlicensed
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.prepare import Office
from lowdiff.labels.desk.projects import TaskProject, ensure_project, find_project, known_project
from lowdiff.labels.desk.pull import pull
from lowdiff.labels.desk.pulled import PullReport
from lowdiff.labels.desk.wanted import Plan, doubtful_texts, make_plan, of_screen
from lowdiff.labels.quality.second_look import open_second_looks
from lowdiff.labels.queue.gold import gold_fields
from lowdiff.labels.queue.priority import GOLD, Next
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import FORM, SCREENS
from lowdiff.ops.acceptance import present_policy
from lowdiff.ops.label_queue import present_queue
from lowdiff.ops.project import Project
from lowdiff.ops.services import label_studio_access

NOBODY = Policy("audited")
"""The policy by which no machine's word counts."""


@dataclass(frozen=True)
class Work:
    """What there is to do for one screen."""

    target: TaskProject
    plan: Plan
    unlicensed: int
    """Images that are held back: nobody knows their licence."""


def connect_label_studio(project: Project) -> LabelStudio:
    """A client for the Label Studio that the settings name, or that `lowdiff up` started.

    Raises:
        ServiceError: none runs and none is set.
    """
    access = label_studio_access(project.settings, project.workspace)
    return LabelStudio(access.url, access.token)


def document_root(project: Project) -> Path:
    """The folder below which that server may serve files."""
    return project.settings.label_studio_document_root or project.workspace.served


def open_office(
    project: Project, client: LabelStudio, target: TaskProject, schema: Schema
) -> Office:
    """All that push and re-prediction need."""
    return Office(
        client=client,
        project=target,
        schema=schema,
        catalog=project.catalog,
        store=project.store,
        workspace=project.workspace,
        document_root=document_root(project),
        workers=project.settings.workers,
        lease_s=project.settings.lease_s,
    )


def screens(project: Project, client: LabelStudio, schema: Schema) -> list[TaskProject]:
    """The projects of ours that are there, the form first."""
    name = project.settings.dataset_name
    found = [
        known_project(client, catalog=project.catalog, schema=schema, name=name, screen=screen)
        for screen in SCREENS
    ]
    return [one for one in found if one is not None]


def stream_url(project: Project, client: LabelStudio, schema: Schema) -> str:
    """Where a person starts with the form."""
    return find_project(
        client, catalog=project.catalog, schema=schema, name=project.settings.dataset_name
    ).url


def plan_work(project: Project, client: LabelStudio, schema: Schema) -> list[Work]:
    """Compare the queue with the tasks that are there; makes the projects that are missing.

    The screen of the text gets a project when there is something to read on it.
    """
    catalog, name = project.catalog, project.settings.dataset_name
    queue = present_queue(project, schema)
    if present_policy(project).mode == "confidence":
        queue = _everything(project, queue, schema)
    with catalog.read() as session:
        said = human_fields(session)
        doubtful = doubtful_texts(session)
        looks = open_second_looks(session)
        gold = gold_fields(session)
    known = {one.image_id: gold.get(one.image_id, ()) for one in queue if one.kind == GOLD}
    accounts = len(client.emails())
    works = []
    for screen in SCREENS:
        wanted = of_screen(queue, schema, screen, doubtful=doubtful)
        if wanted or screen == FORM:
            target: TaskProject | None = ensure_project(
                client, catalog=catalog, schema=schema, name=name, screen=screen,
                working_copies=project.workspace.working_copies,
            )  # fmt: skip
        else:
            target = known_project(client, catalog=catalog, schema=schema, name=name, screen=screen)
        if target is None:
            continue
        plan = make_plan(
            target, wanted, catalog=catalog, said=said, looks=looks, gold=known, accounts=accounts
        )
        is_counted = screen == FORM and not project.settings.use_unknown_licences
        works.append(Work(target, plan, unlicensed(target, catalog=catalog) if is_counted else 0))
    return works


def pull_screens(project: Project, client: LabelStudio, schema: Schema) -> PullReport:
    """Bring in what people said on both screens since the last pull.

    Raises:
        InputError: nothing was pushed to this server yet.
    """
    stream_url(project, client, schema)  # the form must be there
    total = PullReport()
    for target in screens(project, client, schema):
        total.add(pull(client=client, project=target, schema=schema, catalog=project.catalog))
    return total


def _everything(project: Project, queue: Sequence[Next], schema: Schema) -> list[Next]:
    """Where drafts count though nobody has looked, somebody who looks is asked everything."""
    with project.catalog.read() as session:
        labels = current_labels(session)
    found = []
    for one in queue:
        whole = open_fields(labels[one.image_id], NOBODY, schema, is_audit=True)
        asked = {*one.ask, *whole}
        found.append(replace(one, ask=tuple(name for name in schema.names if name in asked)))
    return found
