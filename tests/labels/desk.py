"""One workspace with its project on the session's real Label Studio."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from lowdiff.catalog import Catalog
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.prepare import Office
from lowdiff.labels.desk.projects import TaskProject, ensure_project
from lowdiff.labels.desk.pull import pull
from lowdiff.labels.desk.pulled import PullReport
from lowdiff.labels.desk.push import PushReport, push_batch
from lowdiff.labels.desk.refresh import RefreshReport, refresh_batch, settle_batch
from lowdiff.labels.desk.remote import RemoteTask
from lowdiff.labels.desk.wanted import Plan, Wanted, make_plan
from lowdiff.labels.schema_screen import FORM
from lowdiff.store import Store
from lowdiff.workspace import Workspace
from tests.labels.forms import SCHEMA


@dataclass
class Desk:
    """What push and pull need, and an annotator who works over the API."""

    client: LabelStudio
    catalog: Catalog
    store: Store
    workspace: Workspace
    server: Any
    known: dict[str, TaskProject] = field(default_factory=dict)
    screen: str = FORM

    def project(self) -> TaskProject:
        if self.screen not in self.known:
            self.known[self.screen] = self.fresh_project()
        return self.known[self.screen]

    def fresh_project(self) -> TaskProject:
        return ensure_project(
            self.client,
            catalog=self.catalog,
            schema=SCHEMA,
            name="brand",
            working_copies=self.workspace.working_copies,
            screen=self.screen,
        )

    def office(self, client: LabelStudio | None = None, **changed: Any) -> Office:
        return Office(
            client=client or self.client,
            project=self.project(),
            schema=SCHEMA,
            catalog=self.catalog,
            store=self.store,
            workspace=self.workspace,
            document_root=self.server.document_root,
            **changed,
        )

    def push(
        self,
        image_ids: Sequence[str],
        client: LabelStudio | None = None,
        *,
        ask: Sequence[str] = SCHEMA.names,
    ) -> PushReport:
        """Make tasks, the first image first."""
        return self.push_wanted(wanted(image_ids, ask), client)

    def push_wanted(self, asked: Sequence[Wanted], client: LabelStudio | None = None) -> PushReport:
        return push_batch(asked, self.office(client))

    def plan(self, asked: Sequence[Wanted], **known: Any) -> Plan:
        known = {"said": {}, "looks": {}, "gold": {}} | known
        return make_plan(self.project(), asked, catalog=self.catalog, **known)

    def refresh(
        self,
        asked: Sequence[Wanted],
        *,
        front: Collection[str] = (),
        client: LabelStudio | None = None,
    ) -> RefreshReport:
        return refresh_batch(asked, self.office(client), front=front)

    def settle(
        self, image_ids: Sequence[str], *, front: Collection[str] = (), **changed: Any
    ) -> RefreshReport:
        return settle_batch(image_ids, self.office(**changed), front=front)

    def pull(self) -> PullReport:
        return pull(client=self.client, project=self.project(), schema=SCHEMA, catalog=self.catalog)

    def tasks(self) -> dict[str, list[RemoteTask]]:
        """Image id → its tasks on the server."""
        found: dict[str, list[RemoteTask]] = {}
        for task in self.client.changed_tasks(self.project().project_id, None):
            found.setdefault(task.data["image_id"], []).append(task)
        return found

    def submit(self, image_id: str, **corrected: Any) -> int:
        """Confirm the prediction of an image, some fields corrected; returns the annotation."""
        (task,) = self.tasks()[image_id]
        return self.submit_task(task.id, **corrected)

    def submit_task(self, task_id: int, **corrected: Any) -> int:
        """The same, of one task."""
        return self.client.annotate(task_id, answer(self, task_id, corrected), lead_time_s=4.5)


def wanted(image_ids: Sequence[str], ask: Sequence[str] = SCHEMA.names) -> list[Wanted]:
    """A queue of images, the first one next."""
    number = len(image_ids)
    return [Wanted(image_id, tuple(ask), 1 - at / number) for at, image_id in enumerate(image_ids)]


def prediction(desk: Desk, task_id: int) -> dict[str, Any]:
    """The prediction that an annotator of the task would see."""
    return desk.client._sdk.tasks.get(id=str(task_id)).model_dump()["predictions"][0]


def answer(desk: Desk, task_id: int, corrected: dict[str, Any]) -> list[dict[str, Any]]:
    """A prediction's items with some fields corrected."""
    kept = [
        item for item in prediction(desk, task_id)["result"] if item["from_name"] not in corrected
    ]
    for name, value in corrected.items():
        is_text = name in SCHEMA.names and SCHEMA.field(name).kind == "text"
        kind = "textarea" if is_text else "choices"
        key = "text" if kind == "textarea" else "choices"
        values = value if isinstance(value, list) else [value]
        head = {"from_name": name, "to_name": "image", "type": kind}
        kept.append({**head, "value": {key: values}})
    return kept
