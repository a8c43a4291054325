from datetime import timedelta

import pytest
from sqlalchemy import func, select

from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import LabelEvent, LabelProject
from lowdiff.labels.accept.policy import by_confidence, resolve
from tests.labels.corpus import DRAFTED, add_drafted
from tests.labels.desk import answer
from tests.labels.forms import SCHEMA

pytestmark = pytest.mark.integration


def events(desk, origin="human"):
    with desk.catalog.read() as session:
        query = select(func.count()).where(LabelEvent.origin == origin)
        return session.scalar(query)


def labels(desk, image_id):
    with desk.catalog.read() as session:
        return current_labels(session, [image_id])[image_id]


@pytest.fixture
def pushed(desk):
    ids = add_drafted(desk.catalog, desk.store, range(3))
    desk.push(ids)
    return ids


def test_before_anybody_submits_there_is_nothing_to_pull(desk, pushed):
    report = desk.pull()
    assert (report.annotations, report.images, report.refused) == (0, 0, {})


def test_what_a_person_confirms_or_corrects_becomes_the_label(desk, pushed):
    confirmed, corrected, untouched = pushed
    desk.submit(confirmed)
    desk.submit(corrected, caption="A pale disc.", logo="present", flags=["person-visible"])
    report = desk.pull()
    assert (report.annotations, report.images) == (2, 2)
    assert (report.confirmed, report.corrected) == (
        2 * len(DRAFTED) - 3 + 1,
        3,
    )  # a logo, and its brand left empty
    assert report.human_seconds == 9.0
    found = labels(desk, confirmed)
    assert {name: found[name].value for name in DRAFTED} == {
        name: value for name, (value, _) in DRAFTED.items()
    }
    assert all(label.is_human and "@" in label.actor for label in found.values())
    found = labels(desk, corrected)
    assert found["caption"].value == "A pale disc."
    assert found["logo"].value == "present"
    assert found["flags"].value == ["person-visible"]
    assert found["boxes"].value[0]["label"] == "Figure"
    assert not any(label.is_human for label in labels(desk, untouched).values())


def test_pulling_again_adds_nothing(desk, pushed):
    desk.submit(pushed[0])
    desk.pull()
    before = events(desk)
    assert before == len(DRAFTED) + 1
    assert desk.pull().annotations == 0
    assert events(desk) == before


def test_an_edited_annotation_adds_to_the_history_and_the_last_word_counts(desk, pushed):
    annotation = desk.submit(pushed[0], caption="First words.")
    desk.pull()
    (task,) = desk.tasks()[pushed[0]]
    edited = answer(desk, task.id, {"caption": "Second words."})
    desk.client._sdk.annotations.update(id=annotation, result=edited)
    assert desk.pull().annotations == 1
    assert labels(desk, pushed[0])["caption"].value == "Second words."
    assert events(desk) == 2 * (len(DRAFTED) + 1)


def test_a_skipped_task_is_no_label(desk, pushed):
    (task,) = desk.tasks()[pushed[0]]
    desk.client._sdk.annotations.create(id=task.id, result=[], was_cancelled=True)
    report = desk.pull()
    assert (report.annotations, report.skipped) == (0, 1)
    assert events(desk) == 0


def test_a_draft_in_progress_is_no_label(desk, pushed):
    (task,) = desk.tasks()[pushed[0]]
    answered = desk.client._sdk._client_wrapper.httpx_client.request(
        f"api/tasks/{task.id}/drafts",
        method="POST",
        json={"result": answer(desk, task.id, {}), "lead_time": 3.0},
    )
    assert answered.status_code == 201
    assert desk.pull().annotations == 0
    assert events(desk) == 0


def test_an_answer_outside_the_schema_is_refused_by_name_and_the_others_come_in(desk, pushed):
    desk.submit(pushed[0], layout="diagonal")
    desk.submit(pushed[1])
    report = desk.pull()
    assert report.annotations == 1
    ((address, why),) = report.refused.items()
    (task,) = desk.tasks()[pushed[0]]
    assert address.endswith(f"task={task.id}")
    assert "diagonal" in why


def test_a_deleted_annotation_counts_no_more_and_stays_in_the_history(desk, pushed):
    annotation = desk.submit(pushed[0])
    assert desk.pull().withdrawn == 0
    assert labels(desk, pushed[0])["caption"].is_human
    desk.client._sdk.annotations.delete(id=annotation)
    assert desk.pull().withdrawn == 1
    assert not any(label.is_human for label in labels(desk, pushed[0]).values())
    assert events(desk) == len(DRAFTED) + 1
    assert desk.pull().withdrawn == 0


def test_an_image_flagged_unusable_leaves_the_dataset(desk, pushed):
    assert resolve(labels(desk, pushed[0]), SCHEMA, by_confidence(0.75))
    desk.submit(pushed[0], flags=["unusable"])
    desk.pull()
    assert resolve(labels(desk, pushed[0]), SCHEMA, by_confidence(0.75)) is None


def test_only_what_was_shown_becomes_a_label_and_so_does_what_was_asked_to_be_shown(desk):
    (image_id,) = add_drafted(desk.catalog, desk.store, range(1))
    desk.push([image_id], ask=("caption", "layout"))
    (task,) = desk.tasks()[image_id]
    result = answer(desk, task.id, {})
    (shown,) = [item for item in result if item["from_name"] == "ask"]
    assert shown["value"]["choices"] == ["caption", "layout"]
    shown["value"]["choices"] = ["caption", "style"]  # layout put away, style fetched
    desk.client.annotate(task.id, result)
    desk.pull()
    said = {name for name, label in labels(desk, image_id).items() if label.is_human}
    assert said == {"caption", "style", "boxes"}


def test_an_edit_that_says_less_takes_the_rest_back(desk, pushed):
    annotation = desk.submit(pushed[0], layout="grid")
    desk.pull()
    (task,) = desk.tasks()[pushed[0]]
    less = [i for i in answer(desk, task.id, {"ask": ["caption"]}) if i["from_name"] != "layout"]
    desk.client._sdk.annotations.update(id=annotation, result=less)
    report = desk.pull()
    assert (report.annotations, report.withdrawn) == (1, 0)
    found = labels(desk, pushed[0])
    assert found["caption"].is_human
    assert (found["layout"].value, found["layout"].is_human) == ("centred", False)


def test_what_is_skipped_after_all_counts_no_more(desk, pushed):
    annotation = desk.submit(pushed[0])
    desk.pull()
    desk.client._sdk.annotations.update(id=annotation, result=[], was_cancelled=True)
    report = desk.pull()
    assert (report.annotations, report.skipped, report.withdrawn) == (0, 1, 1)
    assert not any(label.is_human for label in labels(desk, pushed[0]).values())
    assert desk.pull().withdrawn == 0


def test_several_people_speak_each_for_themselves_and_the_last_one_counts(
    desk, pushed, other_account
):
    first = desk.submit(pushed[0], layout="left")
    other, (task,) = other_account(), desk.tasks()[pushed[0]]
    said = {"result": answer(desk, task.id, {"layout": "right"}), "lead_time": 2.0}
    second = other.post(f"/api/tasks/{task.id}/annotations/", json=said).json()["id"]
    assert desk.pull().annotations == 2
    label = labels(desk, pushed[0])["layout"]
    assert (label.value, label.actor) == (
        "right",
        other.get("/api/current-user/whoami").json()["email"],
    )
    assert events(desk) == 2 * (len(DRAFTED) + 1)
    desk.client._sdk.annotations.delete(id=second)
    assert desk.pull().withdrawn == 1
    assert labels(desk, pushed[0])["layout"].value == "left"
    desk.client._sdk.annotations.delete(id=first)
    assert desk.pull().withdrawn == 1
    assert labels(desk, pushed[0])["layout"].value == "centred"


def test_annotations_pulled_before_keys_named_their_task_are_not_pulled_again(desk, pushed):
    annotation = desk.submit(pushed[0])
    desk.pull()
    with desk.catalog.write() as session:  # as an earlier version kept them
        for event in session.scalars(select(LabelEvent).where(LabelEvent.origin == "human")):
            event.annotation_key = event.annotation_key.split("#")[0]
    assert desk.pull().annotations == 0
    desk.client._sdk.annotations.delete(id=annotation)
    assert desk.pull().withdrawn == 1


def test_a_pull_asks_little_when_nothing_has_changed(desk, pushed):
    desk.submit(pushed[0])
    desk.pull()
    with desk.catalog.write() as session:  # the overlap is over
        row = session.get_one(LabelProject, desk.project().key)
        row.pulled_until += timedelta(minutes=3)
    asked = []
    desk.client._http.event_hooks = {"request": [lambda request: asked.append(request.url.path)]}
    assert desk.pull().annotations == 0
    assert len(asked) == 2  # what has changed, and how many tasks there are
