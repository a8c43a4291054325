"""Tasks follow newer drafts as long as nobody has touched them, on the real server."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.tables import LabelTask
from lowdiff.labels.desk.tasks import from_result
from lowdiff.labels.desk.wanted import DONE, GONE, PUSHED, SETTLED, TOUCHED
from tests.labels.corpus import add_drafted, draft
from tests.labels.desk import Desk, answer, prediction, wanted
from tests.labels.forms import SCHEMA

pytestmark = pytest.mark.integration


@pytest.fixture
def ids(desk):
    found = add_drafted(desk.catalog, desk.store, range(4))
    desk.push(found)
    return found


def states(desk: Desk) -> dict[str, str]:
    with desk.catalog.read() as session:
        return {row.image_id: row.state for row in session.scalars(select(LabelTask))}


def shown(desk: Desk, image_id: str) -> dict:
    (task,) = desk.tasks()[image_id]
    (only,) = desk.client.tasks_with_predictions(desk.project().project_id, [task.id])
    assert len(only.predictions) == 1
    return {
        "score": only.predictions[0].score,
        "asked": only.data["ask"],
        **vars(from_result(SCHEMA, only.predictions[0].result)),
    }


def follow(desk: Desk, asked: list, **options) -> int:
    """One round over the tasks that are there; returns how many show something else."""
    report = desk.refresh(asked, **options)
    return report.updated + desk.push_wanted(report.again).pushed


@pytest.mark.parametrize("near", [True, False])
def test_a_task_nobody_has_touched_shows_newer_drafts_and_what_is_open_now(desk, ids, near):
    draft(desk.catalog, ids[:1], layout=("grid", 0.9))
    asked = wanted(ids, ("caption", "layout"))
    front = ids if near else ()
    before = desk.tasks()[ids[0]][0].data["push_batch"]
    assert follow(desk, asked, front=front) == 4
    assert shown(desk, ids[0]) == {
        "score": 0.0,
        "asked": "caption, layout",
        "values": {"caption": "A disc, one large centred figure in vivid colours.",
                   "layout": "grid"},
        "boxes": shown(desk, ids[1])["boxes"],
        "ask": ("caption", "layout"),
    }  # fmt: skip
    assert (desk.tasks()[ids[0]][0].data["push_batch"] == before) == near
    assert follow(desk, asked, front=front) == 0
    assert set(states(desk).values()) == {PUSHED}


def test_work_of_people_is_left_alone(desk, ids):
    done, begun, skipped, untouched = ids
    desk.submit(done)
    (task,) = desk.tasks()[begun]
    begin(desk, task.id)
    (task,) = desk.tasks()[skipped]
    desk.client._sdk.annotations.create(id=task.id, result=[], was_cancelled=True)
    draft(desk.catalog, ids, layout=("grid", 0.9))
    report = desk.refresh(wanted(ids), front=ids[:1])
    assert (report.updated, report.removed, report.touched) == (0, 1, 3)
    desk.push_wanted(report.again)
    for image_id in (done, begun, skipped):
        assert shown(desk, image_id)["values"]["layout"] == "centred"
    assert shown(desk, untouched)["values"]["layout"] == "grid"
    assert states(desk) == {
        done: TOUCHED, begun: TOUCHED, skipped: TOUCHED, untouched: PUSHED
    }  # fmt: skip
    desk.pull()
    assert states(desk)[done] == DONE
    (task,) = desk.tasks()[begun]
    (thrown_away,) = desk.client._ask("read", "GET", f"api/tasks/{task.id}/drafts")
    desk.client._ask("throw away", "DELETE", f"api/drafts/{thrown_away['id']}/")
    assert follow(desk, desk.plan(wanted(ids)).present) == 1
    assert shown(desk, begun)["values"]["layout"] == "grid"


def test_an_annotation_that_was_begun_before_a_change_in_place_can_be_submitted(desk, ids):
    (task,) = desk.tasks()[ids[0]]
    seen = prediction(desk, task.id)
    draft(desk.catalog, ids[:1], layout=("grid", 0.9))
    assert desk.refresh(wanted(ids), front=ids).updated == 1
    desk.client._ask(
        "annotate", "POST", f"api/tasks/{task.id}/annotations/",
        json={"result": seen["result"], "lead_time": 3, "parent_prediction": seen["id"]},
    )  # fmt: skip
    assert desk.pull().annotations == 1


def test_only_a_move_through_the_queue_changes_the_score_alone(desk, ids):
    asked = wanted(ids[::-1])
    plan = desk.plan(asked)
    assert [one.moved for one in plan.present] == [True] * 4
    assert follow(desk, plan.present, front=plan.front) == 4
    scores = {image_id: shown(desk, image_id)["score"] for image_id in ids}
    assert sorted(ids, key=lambda one: scores[one]) == ids[::-1]


def test_tasks_with_nothing_left_to_ask_go_the_ones_in_front_an_hour_later(desk, ids):
    desk.submit(ids[2])
    report = desk.settle(ids[:3], front=ids[:1])
    assert (report.removed, report.touched) == (1, 1)
    assert states(desk) == {ids[0]: SETTLED, ids[1]: GONE, ids[2]: TOUCHED, ids[3]: PUSHED}
    assert shown(desk, ids[0])["score"] == 1.0
    assert desk.settle(ids[:1], front=ids[:1]).removed == 0
    late = utc_now() + timedelta(minutes=61)
    assert desk.settle(ids[:1], front=ids[:1], now=lambda: late).removed == 1
    assert set(desk.tasks()) == {ids[2], ids[3]}


def test_what_is_asked_again_after_it_was_settled_comes_back(desk, ids):
    desk.settle(ids[:2], front=ids[:1])
    plan = desk.plan(wanted(ids))
    assert [one.image_id for one in plan.fresh] == [ids[1]]
    assert follow(desk, plan.present, front=ids[:1]) == 1
    desk.push_wanted(plan.fresh)
    assert set(states(desk).values()) == {PUSHED}
    assert shown(desk, ids[0])["score"] == 0.0
    assert {one: len(tasks) for one, tasks in desk.tasks().items()} == dict.fromkeys(ids, 1)


KILLED = """
import os, signal, sys
from pathlib import Path
from lowdiff.catalog import open_catalog
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.store import open_store
from lowdiff.workspace import Workspace
from tests.labels.desk import Desk, wanted

class Server:
    document_root = Path(sys.argv[2])

class Killer(LabelStudio):
    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name != sys.argv[4]:
            return found
        def killed(*arguments, **named):
            found(*arguments, **named)
            os.kill(os.getpid(), signal.SIGKILL)
        return killed

workspace = Workspace(Path(sys.argv[3]))
client = Killer(sys.argv[1], sys.stdin.readline().strip())
desk = Desk(client, open_catalog(workspace), open_store(workspace.root), workspace, Server())
ids = sys.argv[5:]
report = desk.refresh(wanted(ids), front=ids[:2])
desk.push_wanted(report.again)
"""


@pytest.mark.parametrize("step", ["update_prediction", "delete_untouched", "import_tasks"])
def test_killed_after_any_step_the_next_run_ends_as_an_undisturbed_one(desk, ids, step):
    draft(desk.catalog, ids, layout=("grid", 0.9))
    server, root = desk.server, desk.workspace.root
    arguments = [server.url, str(server.document_root), str(root), step, *ids]
    died = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], input=server.token, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL
    for _ in range(2):  # the second one finds what the first one found missing
        plan = desk.plan(wanted(ids))
        report = desk.refresh(plan.present, front=ids[:2])
        desk.push_wanted([*plan.fresh, *report.again])
        desk.pull()
    assert {one: len(tasks) for one, tasks in desk.tasks().items()} == dict.fromkeys(ids, 1)
    assert {shown(desk, one)["values"]["layout"] for one in ids} == {"grid"}
    assert set(states(desk).values()) == {PUSHED}


def begin(desk: Desk, task_id: int) -> None:
    """Somebody changes something and does not submit."""
    desk.client._ask(
        "begin", "POST", f"api/tasks/{task_id}/drafts",
        json={"result": answer(desk, task_id, {}), "lead_time": 3.0},
    )  # fmt: skip
