"""What we ask a Label Studio server to make, change and delete."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lowdiff.errors import ContractError, InputError
from lowdiff.labels.desk.connection import ONCE
from lowdiff.labels.desk.listing import Listing, is_
from lowdiff.labels.desk.remote import RemoteProject

QUEUE_TAB = "Queue"
QUEUE_ORDER = "tasks:predictions_score"


class LabelStudio(Listing):
    """A Label Studio server and an account on it.

    Every method raises ServiceError when the server is down, too slow or broken, InputError when
    it refuses the token, and ContractError when it refuses what we sent.
    """

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

    def queue_tab(self, project_id: int) -> int:
        """The id of the tab that shows the tasks in the order of our scores; made where missing."""
        with self._translated(f"open the queue of project {project_id}"):
            for view in self._sdk.views.list(project=project_id):
                data = view.data if isinstance(view.data, Mapping) else {}
                if data.get("title") == QUEUE_TAB:
                    return int(view.id)
            columns: Any = {"title": QUEUE_TAB, "ordering": [QUEUE_ORDER]}
            made = self._sdk.views.create(project=project_id, data=columns, request_options=ONCE)
        return int(made.id)

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

    def update_prediction(
        self, prediction_id: int, result: Sequence[Mapping[str, Any]], score: float
    ) -> None:
        """Put another prediction in the place of one: at once, or not at all."""
        with self._translated(f"change the prediction {prediction_id}"):
            self._sdk.predictions.update(
                id=prediction_id, result=[dict(item) for item in result], score=score
            )

    def predict(
        self, task_id: int, result: Sequence[Mapping[str, Any]], score: float, model_version: str
    ) -> None:
        """Give a task a prediction where it has none."""
        with self._translated(f"fill in task {task_id}"):
            self._sdk.predictions.create(
                task=task_id,
                result=[dict(item) for item in result],
                score=score,
                model_version=model_version,
                request_options=ONCE,
            )

    def update_data(self, task_id: int, data: Mapping[str, Any]) -> None:
        """Replace the data of a task; its annotations and predictions stay."""
        with self._translated(f"change the data of task {task_id}"):
            self._sdk.tasks.update(id=str(task_id), data=dict(data))

    def delete_task(self, task_id: int) -> None:
        """Delete a task with everything on it."""
        with self._translated(f"delete task {task_id}"):
            self._sdk.tasks.delete(id=str(task_id))

    def delete_untouched(self, project_id: int, ids: Sequence[int]) -> None:
        """Delete those of these tasks that nobody has worked on, begun or skipped.

        The server looks and deletes in one request: what people say meanwhile is not lost.
        """
        if not ids:
            return  # an empty selection could be taken for all of them
        nobody = [
            is_("total_annotations", "Number", 0),
            is_("cancelled_annotations", "Number", 0),
            is_("draft_exists", "Boolean", False),
        ]
        self._ask(
            f"delete tasks of project {project_id}",
            "POST",
            "api/dm/actions/",
            params={"id": "delete_tasks", "project": project_id},
            json={
                "selectedItems": {"all": False, "included": list(ids)},
                "filters": {"conjunction": "and", "items": nobody},
            },
        )

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

    def call_back(self, project_id: int, url: str, actions: Sequence[str]) -> int:
        """Ask the server to POST to an address after these actions; returns the webhook's id.

        Raises:
            InputError: the server may not reach that address.
        """
        try:
            with self._translated(f"register a webhook with project {project_id}"):
                made = self._sdk.webhooks.create(
                    url=url,
                    project=project_id,
                    send_payload=False,
                    send_for_all_actions=False,
                    actions=list(actions),
                    request_options=ONCE,
                )
        except (ContractError, InputError) as refusal:
            raise InputError(
                self.url,
                f"Label Studio will not call us back ({refusal.problem})",
                reason="no_webhook",
                do="Polling goes on without; `lowdiff down`, then `lowdiff up` starts a server "
                "that may call programs of this machine.",
            ) from refusal
        return int(made.id or 0)

    def stop_calling(self, mark: str) -> int:
        """Remove the webhooks with this in their address; returns how many there were."""
        with self._translated("remove webhooks"):
            ours = [hook for hook in self._sdk.webhooks.list() if mark in hook.url]
            for hook in ours:
                self._sdk.webhooks.delete(id=hook.id)
        return len(ours)
