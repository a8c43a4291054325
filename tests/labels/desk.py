"""One workspace with its project on the session's real Label Studio."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lowdiff.catalog import Catalog
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.projects import TaskProject, ensure_project
from lowdiff.labels.desk.pull import PullReport, pull
from lowdiff.labels.desk.push import PushReport, push_batch
from lowdiff.labels.desk.remote import RemoteTask
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
    known: TaskProject | None = None

    def project(self) -> TaskProject:
        if self.known is None:
            self.known = self.fresh_project()
        return self.known

    def fresh_project(self) -> TaskProject:
        return ensure_project(
            self.client,
            catalog=self.catalog,
            schema=SCHEMA,
            name="brand",
            working_copies=self.workspace.working_copies,
        )

    def push(self, image_ids: Sequence[str], client: LabelStudio | None = None) -> PushReport:
        return push_batch(
            image_ids,
            client=client or self.client,
            project=self.project(),
            schema=SCHEMA,
            catalog=self.catalog,
            store=self.store,
            workspace=self.workspace,
            document_root=self.server.document_root,
        )

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
        return self.client.annotate(task.id, answer(self, task.id, corrected), lead_time_s=4.5)


def prediction(desk: Desk, task_id: int) -> dict[str, Any]:
    """The prediction that an annotator of the task would see."""
    return desk.client._sdk.tasks.get(id=str(task_id)).model_dump()["predictions"][0]


def answer(desk: Desk, task_id: int, corrected: dict[str, Any]) -> list[dict[str, Any]]:
    """A prediction's items with some fields corrected."""
    kept = [
        item for item in prediction(desk, task_id)["result"] if item["from_name"] not in corrected
    ]
    for name, value in corrected.items():
        kind = "textarea" if SCHEMA.field(name).kind == "text" else "choices"
        key = "text" if kind == "textarea" else "choices"
        values = value if isinstance(value, list) else [value]
        head = {"from_name": name, "to_name": "image", "type": kind}
        kept.append({**head, "value": {key: values}})
    return kept
