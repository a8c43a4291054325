"""The scripted annotator at a real Label Studio: whatever the server shows next, answered there."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.annotator import Answer
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.remote import RemoteTask
from lowdiff.labels.desk.tasks import Form, from_result, to_result
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import ASK
from lowdiff.ops.label_push import push_all
from lowdiff.ops.labeling import connect_label_studio, pull_screens, screens
from lowdiff.ops.project import Project
from lowdiff.ops.services import down, up


@dataclass(frozen=True)
class Shown:
    """One task as the server shows it."""

    image_id: str
    ask: tuple[str, ...]
    """The fields on the screen."""
    form: dict[str, object]
    """Field → what is filled in, shown or not."""
    task: RemoteTask
    project: TaskProject


class Server:
    """A project on a server of its own; push, pull and the answers are lowdiff's own."""

    def __init__(self, project: Project, client: LabelStudio, schema: Schema) -> None:
        self._project, self._client, self._schema = project, client, schema
        self.seconds: dict[str, float] = {}
        """By the clock: `push`, `next`, `annotate`, `pull`."""

    def bring(self) -> int:
        """Push; returns how many tasks wait on both screens."""
        with self._timed("push"):
            push_all(self._project, self._client, self._schema)
        counts = [self._client.progress(one.project_id) for one in self._screens()]
        return sum(number - done for number, done in counts)

    def next(self) -> Shown | None:
        """What the server shows next, of the form first; None when nothing is left."""
        for project in self._screens():
            with self._timed("next"):
                task = self._client.next_task(project.project_id)
            if task is not None:
                return self._read(task, project)
        return None

    def submit(self, shown: Shown, answer: Answer) -> None:
        """Send the form as the annotator leaves it."""
        values = {**shown.form, **answer.values}
        form = Form(values, ask=shown.ask)
        screen = shown.project.screen
        result = to_result(self._schema, form, width_px=256, height_px=256, screen=screen)
        with self._timed("annotate"):
            self._client.annotate(shown.task.id, result, lead_time_s=answer.effort.seconds)

    def pull(self) -> int:
        """Bring the answers in; returns how many there were."""
        with self._timed("pull"):
            return pull_screens(self._project, self._client, self._schema).annotations

    def _screens(self) -> list[TaskProject]:
        return screens(self._project, self._client, self._schema)

    def _read(self, task: RemoteTask, project: TaskProject) -> Shown:
        filled = task.predictions[-1].result if task.predictions else []
        ask = from_result(self._schema, filled, screen=project.screen).ask or ()
        whole = [item for item in filled if item["from_name"] != ASK]
        form = from_result(self._schema, whole, screen=project.screen).values
        return Shown(str(task.data["image_id"]), ask, dict(form), task, project)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        spent = time.perf_counter() - started
        self.seconds[what] = self.seconds.get(what, 0.0) + spent


@contextmanager
def own_server(project: Project, schema: Schema, *, say: Callable[[str], None]) -> Iterator[Server]:
    """Start a Label Studio for the project, and stop it at the end."""
    try:
        up(project.settings, project.workspace, say=say)
        with connect_label_studio(project) as client:
            yield Server(project, client, schema)
    finally:
        down(project.workspace)
