"""Whole rounds of a project on the session's Label Studio."""

from lowdiff.catalog.labels import current_labels
from lowdiff.labels.desk.tasks import from_result
from lowdiff.ops.label_push import push_all
from lowdiff.ops.labeling import pull_screens
from lowdiff.ops.project import Project
from tests.labels.desk import Desk
from tests.labels.forms import SCHEMA


class Round:
    """A project on the session's server, with somebody who works there over the API."""

    def __init__(self, project: Project, desk: Desk) -> None:
        self.project, self.desk = project, desk

    def push(self):
        done = push_all(self.project, self.desk.client, SCHEMA)
        self.desk.known.clear()
        return done

    def pull(self):
        return pull_screens(self.project, self.desk.client, SCHEMA)

    def asked(self) -> dict[str, tuple[str, ...]]:
        """Image id → what its newest task shows."""
        project = self.desk.project().project_id
        ids = [task.id for tasks in self.desk.tasks().values() for task in tasks]
        return {
            task.data["image_id"]: from_result(
                SCHEMA, task.predictions[0].result, screen=self.desk.screen
            ).ask
            for task in self.desk.client.tasks_with_predictions(project, ids)
        }

    def labels(self, image_id):
        with self.project.catalog.read() as session:
            return current_labels(session, [image_id])[image_id]
