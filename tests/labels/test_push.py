import io
import signal
import subprocess
import sys

import httpx
import pytest
from PIL import Image as Pixels
from sqlalchemy import select

from lowdiff.catalog.tables import LabelProject, LabelTask
from lowdiff.errors import ContractError, InputError, ServiceError
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.tasks import Box, from_result
from tests.labels.corpus import DRAFTED, add, add_drafted, disc, draft
from tests.labels.desk import Desk, prediction, wanted
from tests.labels.forms import SCHEMA

pytestmark = pytest.mark.integration

KILLED_PUSH = """
import os, signal, sys
from pathlib import Path
from lowdiff.catalog import open_catalog
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.store import open_store
from lowdiff.workspace import Workspace
from tests.labels.desk import Desk

class Server:
    document_root = Path(sys.argv[3])

class Killer(LabelStudio):
    def import_tasks(self, project_id, tasks):
        if sys.argv[5] == "after":
            super().import_tasks(project_id, tasks)
        os.kill(os.getpid(), signal.SIGKILL)

workspace = Workspace(Path(sys.argv[4]))
client = Killer(sys.argv[1], sys.stdin.readline().strip())
desk = Desk(client, open_catalog(workspace), open_store(workspace.root), workspace, Server())
desk.push(sys.argv[6:])
"""


def push_and_die(desk: Desk, when: str, ids: list[str]) -> None:
    """Push in a process of its own that is killed before or after the server imports."""
    server, folder = desk.server, desk.workspace.root
    arguments = [server.url, "-", str(server.document_root), str(folder), when, *ids]
    died = subprocess.run(
        [sys.executable, "-c", KILLED_PUSH, *arguments], input=server.token, text=True, check=False
    )
    assert died.returncode == -signal.SIGKILL


def test_a_task_shows_the_draft_filled_in_and_the_picture(desk):
    (image_id,) = add_drafted(desk.catalog, desk.store, range(1))
    assert desk.push([image_id]).pushed == 1
    (task,) = desk.tasks()[image_id]
    shown = prediction(desk, task.id)
    form = from_result(SCHEMA, shown["result"])
    assert form.values == {name: value for name, (value, _) in DRAFTED.items()}
    assert form.boxes == (Box("Figure", 16.6667, 11.1111, 66.6667, 77.7778),)
    assert shown["model_version"] == "lowdiff-drafts"
    assert shown["score"] == 0.0  # the first of the queue
    served = httpx.get(
        desk.server.url + task.data["image"],
        headers={"Authorization": f"Token {desk.server.token}"},
    )
    with Pixels.open(io.BytesIO(served.content)) as picture:
        assert picture.format == "PNG"
        assert picture.size == (120, 90)


def test_pushing_again_pushes_nothing_and_new_images_join(desk):
    ids = add_drafted(desk.catalog, desk.store, range(3))
    assert desk.plan(wanted(ids)).fresh == wanted(ids)
    assert desk.push(ids).pushed == 3
    assert desk.plan(wanted(ids)).fresh == []
    assert desk.push(ids).pushed == 0
    more = add_drafted(desk.catalog, desk.store, range(5))
    assert desk.push(more).pushed == 2
    assert {image_id: len(tasks) for image_id, tasks in desk.tasks().items()} == dict.fromkeys(
        more, 1
    )


def test_images_without_a_draft_stay_at_home(desk):
    image_id = add(desk.catalog, desk.store, disc(1), width_px=120, height_px=90)
    assert desk.plan(wanted([image_id])).fresh == []
    assert desk.push([image_id]).pushed == 0
    assert desk.tasks() == {}


def test_a_picture_that_cannot_be_drawn_is_refused_and_the_others_go_on(desk):
    broken = add(desk.catalog, desk.store, b"no picture", width_px=9, height_px=9)
    draft(desk.catalog, [broken])
    (fine,) = add_drafted(desk.catalog, desk.store, range(1))
    report = desk.push(sorted([broken, fine]))
    assert report.pushed == 1
    assert broken in report.refused[broken]
    assert desk.plan(wanted([broken, fine])).fresh == []


def test_a_draft_that_disagrees_with_the_schema_stops_before_anything_is_sent(desk):
    ids = add_drafted(desk.catalog, desk.store, range(2))
    draft(desk.catalog, ids[:1], layout=("diagonal", 0.9))
    with pytest.raises(ContractError, match=f"{ids[0]}.*diagonal"):
        desk.push(ids)
    assert desk.tasks() == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_push_that_was_killed_ends_with_one_task_per_image(desk, when):
    ids = add_drafted(desk.catalog, desk.store, range(4))
    desk.project()
    push_and_die(desk, when, ids)
    assert len(desk.tasks()) == (4 if when == "after" else 0)
    more = add_drafted(desk.catalog, desk.store, range(6))
    report = desk.push(more)
    assert (report.adopted, report.pushed) == ((4, 2) if when == "after" else (0, 6))
    tasks = desk.tasks()
    assert {image_id: len(found) for image_id, found in tasks.items()} == dict.fromkeys(more, 1)
    with desk.catalog.read() as session:
        rows = list(session.scalars(select(LabelTask)))
    assert {row.state for row in rows} == {"pushed"}
    assert {row.image_id: row.task_id for row in rows} == {
        image_id: found[0].id for image_id, found in tasks.items()
    }


def test_an_import_that_ended_after_we_looked_leaves_no_second_task(desk):
    ids = add_drafted(desk.catalog, desk.store, range(3))
    desk.project()
    push_and_die(desk, "before", ids)

    class SlowServer(LabelStudio):
        """The killed push's import comes through just before ours."""

        def import_tasks(self, project_id, tasks):
            super().import_tasks(project_id, tasks)
            return super().import_tasks(project_id, tasks)

    with SlowServer(desk.server.url, desk.server.token) as client:
        assert desk.push(ids, client).pushed == 3
    tasks = desk.tasks()
    assert {image_id: len(found) for image_id, found in tasks.items()} == dict.fromkeys(ids, 1)
    with desk.catalog.read() as session:
        for row in session.scalars(select(LabelTask)):
            assert row.task_id == tasks[row.image_id][0].id


def test_the_project_is_made_once_and_found_when_the_catalog_forgot_its_id(desk):
    first = desk.fresh_project()
    assert desk.fresh_project() == first
    with desk.catalog.write() as session:
        session.get_one(LabelProject, first.key).project_id = 0  # killed before it was noted
    assert desk.fresh_project() == first


def test_two_workspaces_share_a_server_without_sharing_a_project(desk, catalog, store):
    other = Desk(desk.client, catalog, store, desk.workspace, desk.server)
    assert other.project().project_id != desk.project().project_id


def test_a_server_that_is_down_or_refuses_the_token_gives_one_clear_sentence(desk):
    with (
        LabelStudio("http://127.0.0.1:9", "0" * 40) as nobody,
        pytest.raises(ServiceError, match=r"127\.0\.0\.1:9.*lowdiff up"),
    ):
        nobody.whoami()
    wrong = "f" * 40
    with (
        LabelStudio(desk.server.url, wrong) as stranger,
        pytest.raises(InputError, match="refuses our token") as caught,
    ):
        stranger.whoami()
    assert wrong not in str(caught.value)
    assert "@" in desk.client.whoami()


def test_what_the_server_refuses_is_told_with_its_words(desk):
    with pytest.raises(ContractError, match="HTTP 400"):
        desk.client.import_tasks(desk.project().project_id, [{"data": {"other": "x"}}])
    with pytest.raises(ContractError, match="HTTP 404"):
        desk.client.progress(10**8)


def test_a_working_copy_outside_the_document_root_is_refused(desk, tmp_path):
    ids = add_drafted(desk.catalog, desk.store, range(1))
    desk.project()
    elsewhere = type("Server", (), {"document_root": tmp_path})()
    with pytest.raises(InputError, match="LOWDIFF_LABEL_STUDIO_DOCUMENT_ROOT"):
        Desk(desk.client, desk.catalog, desk.store, desk.workspace, elsewhere).push(ids)
