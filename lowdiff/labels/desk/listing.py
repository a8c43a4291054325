"""What we ask a Label Studio server to tell: tasks, and what people said of them."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from label_studio_sdk.core.api_error import ApiError

from lowdiff.labels.desk.connection import ONCE, Connection
from lowdiff.labels.desk.remote import RemoteTask, read_task

NOTHING_LEFT = 404
PAGE_SIZE = 200
IDS_PAGE_SIZE = 2000
COLUMNS = "id,data,updated_at,annotations,result,completed_by,was_cancelled,lead_time,draft_exists"
"""What we read of tasks and annotations; the predictions would take most of the time."""
WITH_PREDICTIONS = (
    "id,data,updated_at,annotations,completed_by,was_cancelled,predictions,score,draft_exists"
)


class Listing(Connection):
    """The part of the client that only reads."""

    def tasks_of_batch(self, project_id: int, push_batch: str) -> list[RemoteTask]:
        """The tasks whose data carry this batch id, the oldest first."""
        return list(self._tasks(project_id, [is_("data.push_batch", "String", push_batch)]))

    def changed_tasks(self, project_id: int, since: datetime | None) -> Iterator[RemoteTask]:
        """Tasks that changed after `since` (UTC), in order of their ids; None for all."""
        condition = []
        if since is not None:
            stamp = since.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            condition.append(is_("updated_at", "Datetime", stamp, operator="greater"))
        yield from self._tasks(project_id, condition)

    def tasks_with_predictions(self, project_id: int, ids: Sequence[int]) -> list[RemoteTask]:
        """These tasks as they are now, with their predictions; one that is gone is not among them.

        Args:
            ids: 500 at most.
        """
        query = {"selectedItems": {"all": False, "included": list(ids)}, "ordering": ["tasks:id"]}
        with self._translated(f"read {len(ids)} tasks of project {project_id}"):
            page = self._sdk.tasks.list(
                project=project_id,
                query=json.dumps(query),
                include=WITH_PREDICTIONS,
                page=1,
                page_size=max(1, len(ids)),
            ).items
        return [read_task(task.model_dump()) for task in page or ()]

    def next_task(self, project_id: int) -> RemoteTask | None:
        """The task that the server would show the account now; None when nothing is left.

        It is locked for the account: another one gets the task after it.
        """
        path = f"api/projects/{project_id}/next"
        with self._translated(f"ask for the next task of project {project_id}"):
            answer = self._sdk._client_wrapper.httpx_client.request(
                path, method="GET", request_options=ONCE
            )
            if answer.status_code == NOTHING_LEFT:
                return None
            if not answer.is_success:
                raise ApiError(status_code=answer.status_code, body=answer.text)
            return read_task(answer.json())

    def task_ids(self, project_id: int) -> set[int]:
        """The ids of all tasks of a project, and nothing else of them."""
        found: set[int] = set()
        last_id = 0
        while True:
            query = {
                "filters": {
                    "conjunction": "and",
                    "items": [is_("id", "Number", last_id, operator="greater")],
                },
                "ordering": ["tasks:id"],
            }
            answer = self._ask(
                f"list the tasks of project {project_id}",
                "GET",
                "api/tasks/",
                params={
                    "project": project_id,
                    "query": json.dumps(query),
                    "include": "id",
                    "page": 1,
                    "page_size": IDS_PAGE_SIZE,
                },
            )
            ids = [int(task["id"]) for task in answer["tasks"]]
            found |= set(ids)
            if len(ids) < IDS_PAGE_SIZE:
                return found
            last_id = ids[-1]

    def _tasks(self, project_id: int, condition: list[dict[str, Any]]) -> Iterator[RemoteTask]:
        # page by id, always the first page: tasks that vanish meanwhile cannot shift the others
        last_id = 0
        while True:
            items = [*condition, is_("id", "Number", last_id, operator="greater")]
            query = {"filters": {"conjunction": "and", "items": items}, "ordering": ["tasks:id"]}
            with self._translated(f"list the tasks of project {project_id}"):
                page = self._sdk.tasks.list(
                    project=project_id,
                    query=json.dumps(query),
                    include=COLUMNS,
                    page=1,
                    page_size=PAGE_SIZE,
                ).items
            for task in page or ():
                yield read_task(task.model_dump())
            if not page or len(page) < PAGE_SIZE:
                return
            last_id = int(page[-1].id)


def is_(column: str, kind: str, value: object, *, operator: str = "equal") -> dict[str, Any]:
    """A condition on a column of Label Studio's list of tasks."""
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
