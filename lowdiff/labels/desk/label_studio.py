"""The one file that talks to a Label Studio server; its errors become ours."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from label_studio_sdk import LabelStudio as Sdk
from label_studio_sdk.core.api_error import ApiError

from lowdiff.errors import ContractError, InputError, LowdiffError, ServiceError
from lowdiff.labels.desk.remote import RemoteProject, RemoteTask, read_task

TIMEOUT_S = 300.0
"""The SDK's 60 s are too short for 500 tasks on a busy SQLite server."""
PAGE_SIZE = 200
COLUMNS = "id,data,updated_at,annotations,result,completed_by,was_cancelled,lead_time"
"""What we read of tasks and annotations; the predictions would take most of the time."""
ONCE: Any = {"max_retries": 0}
"""A request that makes something is never repeated by the SDK: we look first what is there."""


class LabelStudio:
    """A Label Studio server and an account on it.

    Every method raises ServiceError when the server is down, too slow or broken, InputError when
    it refuses the token, and ContractError when it refuses what we sent.
    """

    def __init__(self, url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(timeout=timeout_s, follow_redirects=True)
        connect: Any = Sdk  # the SDK's own constructor has no types
        self._sdk = connect(base_url=self.url, api_key=token, httpx_client=self._http)

    def __enter__(self) -> "LabelStudio":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; `with` does it too."""
        self._http.close()

    def whoami(self) -> str:
        """The e-mail address of the account; a cheap proof that server and token work."""
        with self._translated("ask who we are"):
            return str(self._sdk.users.whoami().email)

    def find_projects(self, title: str) -> list[RemoteProject]:
        """The projects of that title that the account can see."""
        with self._translated(f"look for the project {title!r}"):
            found = [
                RemoteProject(project.id, project.title or "", project.description or "")
                for project in self._sdk.projects.list(title=title)
            ]
        return [project for project in found if project.title == title]

    def create_project(
        self, *, title: str, description: str, config: str, model_version: str
    ) -> RemoteProject:
        """Make a project whose tasks open with their predictions filled in, the unsure ones first.

        Args:
            title: at least 3 characters.
            model_version: the version of the predictions to show; others stay invisible.
        """
        with self._translated(f"create the project {title!r}"):
            made = self._sdk.projects.create(
                title=title,
                description=description,
                label_config=config,
                model_version=model_version,
                show_collab_predictions=True,
                show_skip_button=True,
                maximum_annotations=1,
                sampling="Uncertainty sampling",
                request_options=ONCE,
            )
        return RemoteProject(made.id, made.title or title, made.description or description)

    def update_config(self, project_id: int, config: str) -> None:
        """Give a project a new labeling screen."""
        with self._translated(f"change the labeling screen of project {project_id}"):
            self._sdk.projects.update(id=project_id, label_config=config)

    def register_folder(self, project_id: int, folder: Path) -> None:
        """Let the server serve the files of a folder, once; it must lie below its document root."""
        with self._translated(f"register {folder} with project {project_id}"):
            known = self._sdk.import_storage.local.list(project=project_id)
            if any(storage.path == str(folder) for storage in known):
                return
            self._sdk.import_storage.local.create(
                project=project_id,
                path=str(folder),
                title="working copies",
                use_blob_urls=True,
                regex_filter=r".*\.png",
                request_options=ONCE,
            )

    def import_tasks(self, project_id: int, tasks: Sequence[Mapping[str, Any]]) -> list[int]:
        """Create tasks, all of them or none; returns their ids in the same order."""
        with self._translated(f"import {len(tasks)} tasks into project {project_id}"):
            answer = self._sdk.projects.import_tasks(
                id=project_id,
                request=list(tasks),
                return_task_ids=True,
                commit_to_project=True,
                request_options=ONCE,
            )
        ids = [int(task_id) for task_id in answer.task_ids or ()]
        if len(ids) != len(tasks):
            raise ContractError(
                self.url,
                f"import into project {project_id}: the server made other tasks than we sent",
                reason="import_disagrees",
                found=f"{len(ids)} tasks",
                allowed=len(tasks),
            )
        return ids

    def tasks_of_batch(self, project_id: int, push_batch: str) -> list[RemoteTask]:
        """The tasks whose data carry this batch id, the oldest first."""
        return list(self._tasks(project_id, [_is("data.push_batch", "String", push_batch)]))

    def changed_tasks(self, project_id: int, since: datetime | None) -> Iterator[RemoteTask]:
        """Tasks that changed after `since` (UTC), in order of their ids; None for all."""
        condition = []
        if since is not None:
            stamp = since.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            condition.append(_is("updated_at", "Datetime", stamp, operator="greater"))
        yield from self._tasks(project_id, condition)

    def delete_task(self, task_id: int) -> None:
        """Delete a task with everything on it."""
        with self._translated(f"delete task {task_id}"):
            self._sdk.tasks.delete(id=str(task_id))

    def annotate(
        self, task_id: int, result: Sequence[Mapping[str, Any]], *, lead_time_s: float | None = None
    ) -> int:
        """Submit an annotation in the name of the account; returns its id."""
        with self._translated(f"annotate task {task_id}"):
            made = self._sdk.annotations.create(
                id=task_id,
                result=[dict(item) for item in result],
                lead_time=lead_time_s,
                request_options=ONCE,
            )
        return int(made.id or 0)

    def emails(self) -> dict[int, str]:
        """User id → e-mail address of everybody on the server."""
        with self._translated("list the users"):
            return {int(user.id): str(user.email) for user in self._sdk.users.list()}

    def progress(self, project_id: int) -> tuple[int, int]:
        """How many tasks a project has, and how many of them are done."""
        with self._translated(f"read project {project_id}"):
            project = self._sdk.projects.get(id=project_id)
        return int(project.task_number or 0), int(project.finished_task_number or 0)

    def _tasks(self, project_id: int, condition: list[dict[str, Any]]) -> Iterator[RemoteTask]:
        # page by id, always the first page: tasks that vanish meanwhile cannot shift the others
        last_id = 0
        while True:
            items = [*condition, _is("id", "Number", last_id, operator="greater")]
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

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            raise self._explain(what, error) from None  # its text repeats whole headers
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ServiceError(
                self.url,
                f"Label Studio does not answer ({what}: {error or type(error).__name__})",
                reason="label_studio_down",
                do="Start it with `lowdiff up`, then run the same command again.",
            ) from error
        except (json.JSONDecodeError, httpx.DecodingError) as error:
            raise self._stranger(what) from error

    def _stranger(self, what: str) -> ServiceError:
        return ServiceError(
            self.url,
            f"answers, but not as Label Studio does ({what})",
            reason="no_label_studio",
            do="Is LOWDIFF_LABEL_STUDIO_URL the right address?",
        )

    def _explain(self, what: str, error: ApiError) -> LowdiffError:
        status = error.status_code or 0
        if status in (401, 403):
            return InputError(
                self.url,
                f"Label Studio refuses our token (HTTP {status}; {what})",
                reason="unauthorised",
                do="Set LOWDIFF_LABEL_STUDIO_TOKEN to the access token of your account there.",
            )
        if status in (408, 425, 429) or status >= 500 or status == 0:
            return ServiceError(
                self.url,
                f"Label Studio failed (HTTP {status}; {what})",
                reason="label_studio_failed",
                do="Run the same command again; its log tells more when it stays so.",
            )
        if isinstance(error.body, str) and "<html" in error.body.lower():
            return self._stranger(what)
        said = json.dumps(error.body, ensure_ascii=False, default=str)
        return ContractError(
            self.url,
            f"Label Studio refuses what we sent (HTTP {status}; {what})",
            reason="label_studio_refuses",
            found=said if len(said) < 600 else said[:600] + " …",
        )


def _is(column: str, kind: str, value: object, *, operator: str = "equal") -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
