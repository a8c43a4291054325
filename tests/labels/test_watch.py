"""Labeling kept going: pulls in a row, hints by webhook, learning when there is enough new."""

import math
from datetime import datetime

import httpx
import pytest

from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.receiver import Receiver, receiving
from lowdiff.labels.learn.train import GREW
from lowdiff.ops.label_round import LEAST_LABELLED, learn_when_worth_while
from lowdiff.ops.label_watch import watch_labels
from tests.labels.corpus import DRAFTED, add_drafted
from tests.labels.forms import SCHEMA

NOW = datetime(2026, 1, 2)
TARGET = TaskProject("brand|abcdef12", 1, "http://127.0.0.1:1")


@pytest.fixture
def receiver():
    opened = Receiver()
    opened.start()
    yield opened
    opened.stop()


def test_a_hint_is_answered_at_once_and_many_are_one(receiver):
    assert not receiver.wait(0.01)
    for _ in range(3):
        answer = httpx.post(receiver.address(TARGET), json={"action": "ANNOTATION_CREATED"})
        assert (answer.status_code, answer.content) == (204, b"")
    assert receiver.wait(5)
    assert not receiver.wait(0.01)


@pytest.mark.parametrize("damage", [lambda url: url[:-1], lambda url: url + "x", lambda url: url])
def test_who_does_not_know_the_secret_is_turned_away(receiver, damage):
    address = damage(receiver.address(TARGET))
    known = address == receiver.address(TARGET)
    answer = httpx.post(address, content=b"x" * 200_000 if not known else b"")
    assert answer.status_code == (204 if known else 404)
    assert receiver.wait(0.05) == known
    assert httpx.get(receiver.address(TARGET)).status_code == 501


@pytest.mark.integration
def test_label_studio_hints_that_somebody_submitted_and_is_forgotten_afterwards(desk):
    ids = add_drafted(desk.catalog, desk.store, range(2))
    desk.push(ids)
    project, hooks = desk.project(), desk.client._sdk.webhooks
    address = f"http://127.0.0.1:9/lowdiff/{project.tag}/left-by-one-that-was-killed"
    desk.client.call_back(project.project_id, address, ["ANNOTATION_CREATED"])
    with receiving(desk.client, [project]) as receiver:
        assert [hook.url for hook in hooks.list(project=str(project.project_id))] == [
            receiver.address(project)
        ]
        assert not receiver.wait(0.01)
        annotation = desk.submit(ids[0])
        assert receiver.wait(30)
        desk.client._sdk.annotations.delete(id=annotation)
        assert receiver.wait(30)
    assert hooks.list(project=str(project.project_id)) == []


@pytest.mark.integration
@pytest.mark.parametrize("receive", [False, True])
def test_watching_brings_in_what_is_said_meanwhile(one, receive):
    ids = add_drafted(one.desk.catalog, one.desk.store, range(3))
    rounds = []

    def told(found) -> bool:
        rounds.append(found)
        if len(rounds) == 1:
            one.desk.known.clear()
            one.desk.submit(ids[0], layout="grid")
        return len(rounds) < 2

    watch_labels(
        one.project,
        one.desk.client,
        SCHEMA,
        every_s=600 if receive else 0.5,  # a hint alone can make it go on in time
        refresh_s=600,
        refresh_after=1,
        receive=receive,
        told=told,
        say=pytest.fail,
    )
    assert [found.pulled.annotations for found in rounds] == [0, 1]
    assert [found.done is None for found in rounds] == [True, False]
    assert one.labels(ids[0])["layout"].value == "grid"


@pytest.mark.integration
def test_it_goes_on_polling_where_label_studio_may_not_call(one, monkeypatch):
    add_drafted(one.desk.catalog, one.desk.store, range(1))
    monkeypatch.setattr(Receiver, "address", lambda self, project: "http://10.0.0.1/hint")
    said = []
    watch_labels(
        one.project, one.desk.client, SCHEMA, every_s=0.1, refresh_s=600, refresh_after=1,
        receive=True, told=lambda found: False, say=said.append,
    )  # fmt: skip
    assert "will not call us back" in said[0]


@pytest.mark.integration
def test_it_is_learned_again_when_a_good_part_more_is_labelled(one):
    enough = math.ceil(LEAST_LABELLED * GREW)
    ids = add_drafted(one.desk.catalog, one.desk.store, range(enough))
    learned = []
    for number in (LEAST_LABELLED - 1, LEAST_LABELLED, enough - 1, enough, enough):
        say(one, ids[:number])
        learned.append(learn_when_worth_while(one.project, SCHEMA) is not None)
    assert learned == [False, True, False, True, False]


def say(one, ids) -> None:
    """A person has said all of these images."""
    with one.project.catalog.write() as session:
        append_events(
            session,
            [
                LabelEvent(
                    image_id=image_id, field=name, value=value, origin="human", actor="a@b.org",
                    schema_version="2.0", annotation_key=f"{image_id[:8]}:1@tag", created_at=NOW,
                )
                for image_id in ids
                for name, (value, _) in DRAFTED.items()
            ],
        )  # fmt: skip
