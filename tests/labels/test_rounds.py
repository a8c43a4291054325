"""Whole rounds of a project: the queue to Label Studio, answers back, tasks brought up to date."""

import json
from datetime import datetime

import pytest

from lowdiff.catalog.artifacts import Outcome, Stage, record
from lowdiff.labels.desk.tasks import Box
from lowdiff.labels.quality.second_look import ask_again, open_second_looks
from lowdiff.labels.queue.gold import add_gold
from lowdiff.labels.schema_screen import TEXT
from lowdiff.ops.label_news import remembered, state_of_labeling
from tests.labels.corpus import add_drafted, draft
from tests.labels.desk import Desk
from tests.labels.forms import SCHEMA

pytestmark = pytest.mark.integration
NOW = datetime(2026, 1, 2)
DOCUMENT = {
    "text": "SALE 50%",
    "words": [
        {"block": 0, "line": 0, "text": "SALE", "x_px": 12, "y_px": 9, "w_px": 24, "h_px": 9},
        {"block": 0, "line": 0, "text": "50%", "x_px": 48, "y_px": 9, "w_px": 24, "h_px": 9},
    ],
}


def read_text(desk: Desk, image_id: str) -> None:
    """OCR has read words, and doubts them."""
    key = f"ocr/{image_id}.json"
    desk.store.put(key, json.dumps(DOCUMENT).encode())
    payload = {"needs_review": True, "words": 2, "text": DOCUMENT["text"], "key": key}
    with desk.catalog.write() as session:
        record(session, Stage("ocr", "1"), [Outcome(image_id, "ok", payload)], now=NOW)


def test_people_are_asked_what_is_open_and_nobody_is_asked_twice(one):
    ids = add_drafted(one.desk.catalog, one.desk.store, range(3))
    assert one.push().pushed.pushed == 3
    assert one.asked() == {
        image_id: tuple(name for name in SCHEMA.names) for image_id in ids
    }  # brand too: it is asked with logo
    scores = sorted(task.data["priority"] for tasks in one.desk.tasks().values() for task in tasks)
    assert scores == [pytest.approx(n / 3, abs=1e-6) for n in (1, 2, 3)]
    one.desk.submit(ids[0])
    assert one.pull().annotations == 1
    again = one.push()
    assert again.pushed.pushed == again.refreshed.touched == 0
    assert len(one.desk.tasks()) == 3


def test_doubtful_text_is_asked_on_a_screen_of_its_own_and_neither_wipes_the_others_boxes(one):
    doubtful, plain = add_drafted(one.desk.catalog, one.desk.store, range(2))
    read_text(one.desk, doubtful)
    assert one.push().pushed.pushed == 3
    assert "transcription" not in one.asked()[doubtful]
    assert "transcription" in one.asked()[plain]
    figure = one.desk.submit(doubtful)

    one.desk.screen = TEXT
    assert one.asked() == {doubtful: ("transcription",)}
    one.desk.submit(doubtful, transcription="SALE 50%")
    report = one.pull()
    assert (report.annotations, report.refused) == (2, {})
    found = one.labels(doubtful)
    assert found["transcription"].value == "SALE 50%"
    assert [box["label"] for box in found["boxes"].value] == ["Figure"]
    line = Box("Text", 10, 10, 50, 10, "SALE 50%")
    assert found["text_boxes"].value == [vars(line)]

    one.desk.client._sdk.annotations.delete(id=figure)
    assert one.pull().withdrawn == 1
    found = one.labels(doubtful)
    assert "boxes" not in found
    assert found["text_boxes"].value == [vars(line)]
    assert found["transcription"].is_human
    assert not found["layout"].is_human


def test_a_second_look_is_a_fresh_task_and_both_words_stay(one):
    (image_id,) = add_drafted(one.desk.catalog, one.desk.store, range(1))
    one.push()
    one.desk.submit(image_id, layout="left")
    one.pull()
    assert one.push().pushed.pushed == 0
    with one.project.catalog.write() as session:
        ask_again(session, [(image_id, "layout", "unlike its neighbours")], now=NOW)
    assert one.push().pushed.pushed == 1
    first, second = one.desk.tasks()[image_id]
    assert (first.data["external_key"] + ":2", "layout") == (
        second.data["external_key"],
        second.data["ask"],
    )
    one.desk.submit_task(second.id, layout="centred")
    report = one.pull()
    assert (report.annotations, report.looked_again, report.changed_again) == (1, 1, 1)
    assert one.labels(image_id)["layout"].value == "centred"
    assert one.labels(image_id)["caption"].is_human
    with one.project.catalog.read() as session:
        assert open_second_looks(session) == {}
    assert one.push().pushed.pushed == 0

    one.desk.client._sdk.annotations.delete(id=one.desk.tasks()[image_id][1].annotations[0].id)
    assert one.pull().withdrawn == 1
    assert one.labels(image_id)["layout"].value == "left"


def test_a_known_answer_is_asked_among_the_others_and_stays_above_what_is_said(one):
    ids = add_drafted(one.desk.catalog, one.desk.store, range(2))
    with one.project.catalog.write() as session:
        add_gold(
            session, ids[0], {"layout": "left"}, schema=SCHEMA, made_by="lead@brand.org", now=NOW
        )
    one.push()
    assert "layout" in one.asked()[ids[0]]
    one.desk.submit(ids[0], layout="grid")
    one.pull()
    assert one.labels(ids[0])["layout"].value == "left"
    assert one.push().pushed.pushed == 0


def test_a_deleted_task_takes_no_label_with_it_and_may_come_back(one):
    labelled, open_ = add_drafted(one.desk.catalog, one.desk.store, range(2))
    one.push()
    one.desk.submit(labelled)
    one.pull()
    for image_id in (labelled, open_):
        one.desk.client.delete_task(one.desk.tasks()[image_id][0].id)
    report = one.pull()
    assert (report.gone, report.withdrawn) == (2, 0)
    assert one.pull().gone == 0
    assert one.labels(labelled)["caption"].is_human
    assert one.push().pushed.pushed == 1
    assert set(one.desk.tasks()) == {open_}


def test_that_nothing_is_new_is_known_without_a_look_at_the_tasks(one):
    ids = add_drafted(one.desk.catalog, one.desk.store, range(3))
    one.push()

    def state():
        return state_of_labeling(one.project, one.desk.client, SCHEMA)

    brought = remembered(one.project)["state"]
    assert brought is not None
    assert state() == brought
    assert one.push().pushed.pushed == 0
    assert remembered(one.project)["state"] == brought
    draft(one.desk.catalog, ids[:1], layout=("grid", 0.9))
    assert state() != brought
    assert one.push().refreshed.updated >= 1
    now = remembered(one.project)["state"]
    one.desk.client.delete_task(one.desk.tasks()[ids[1]][0].id)
    assert state() != now
    one.desk.submit(ids[0])
    one.pull()
    assert one.push().pushed.pushed == 1
