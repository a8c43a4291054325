"""Which tasks there should be, beside those that are there; no server is asked."""

from datetime import datetime

import pytest

from lowdiff.catalog.artifacts import Outcome, Stage, record
from lowdiff.catalog.tables import LabelProject, LabelTask
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.wanted import (
    DONE,
    GONE,
    PUSHED,
    PUSHING,
    SETTLED,
    TOUCHED,
    Wanted,
    doubtful_texts,
    external_key,
    make_plan,
    of_screen,
)
from lowdiff.labels.queue.priority import Next
from lowdiff.labels.schema_screen import FORM, TEXT
from tests.labels.corpus import add_drafted
from tests.labels.forms import SCHEMA

NOW = datetime(2026, 1, 2)
TARGET = TaskProject("brand|abcdef12", 7, "http://127.0.0.1:1/projects/7/data?tab=1&labeling=1")


@pytest.fixture
def ids(catalog, store):
    return add_drafted(catalog, store, range(3))


def keep(catalog, image_id, state, *, number=1, priority=0.5, task_id=1):
    with catalog.write() as session:
        if session.get(LabelProject, TARGET.key) is None:
            session.add(
                LabelProject(
                    key=TARGET.key, project_id=7, config_hash="", schema_version="2.0",
                    created_at=NOW,
                )
            )  # fmt: skip
            session.flush()
        session.add(
            LabelTask(
                external_key=external_key(image_id, TARGET, SCHEMA, number),
                project_key=TARGET.key, image_id=image_id, task_id=task_id, push_batch="b",
                prediction_hash="", state=state, priority=priority,
            )
        )  # fmt: skip


def plan(catalog, wanted, **known):
    return make_plan(
        TARGET, wanted, catalog=catalog, **({"said": {}, "looks": {}, "gold": {}} | known)
    )


def test_doubtful_text_goes_to_the_other_screen_and_leaves_the_form():
    queue = [
        Next("a", 1.0, "worth", ("caption", "transcription")),
        Next("b", 0.5, "worth", ("caption", "transcription")),
        Next("c", 0.2, "worth", ("transcription",)),
    ]
    form = of_screen(queue, SCHEMA, FORM, doubtful={"a", "c"})
    assert form == [Wanted("a", ("caption",), 1.0), Wanted("b", ("caption", "transcription"), 0.5)]
    text = of_screen(queue, SCHEMA, TEXT, doubtful={"a", "c"})
    assert text == [Wanted("a", ("transcription",), 1.0), Wanted("c", ("transcription",), 0.2)]


@pytest.mark.parametrize(
    ("payload", "is_doubtful"),
    [
        ({"needs_review": True, "words": 3}, True),
        ({"needs_review": True, "words": 0}, False),
        ({"needs_review": False, "words": 3}, False),
    ],
)
def test_text_is_doubtful_when_ocr_read_some_and_says_so(catalog, ids, payload, is_doubtful):
    with catalog.write() as session:
        record(session, Stage("ocr", "1"), [Outcome(ids[0], "ok", payload)], now=NOW)
    with catalog.read() as session:
        assert doubtful_texts(session) == ({ids[0]} if is_doubtful else set())


@pytest.mark.parametrize(
    ("state", "place"),
    [
        (PUSHING, "fresh"),
        (GONE, "fresh"),
        (PUSHED, "present"),
        (SETTLED, "present"),
        (TOUCHED, "present"),
        (DONE, None),
    ],
)
def test_what_is_done_for_a_task_depends_on_what_it_is(catalog, ids, state, place):
    keep(catalog, ids[0], state)
    found = plan(
        catalog, [Wanted(ids[0], ("caption",), 0.5)], said={ids[0]: {"caption"}}
    )  # fmt: skip
    places = {"fresh": found.fresh, "present": found.present}
    assert {name for name, some in places.items() if some} == ({place} if place else set())


def test_a_done_task_is_followed_by_another_for_what_nobody_has_said(catalog, ids):
    keep(catalog, ids[0], DONE)
    asked = [Wanted(ids[0], ("caption", "layout", "style"), 0.5)]
    said = {ids[0]: {"caption", "layout"}}
    assert plan(catalog, asked, said=said).fresh == [Wanted(ids[0], ("style",), 0.5)]
    looks = {ids[0]: {"layout": "two say different things"}}
    found = plan(catalog, asked, said=said, looks=looks)
    assert found.fresh == [Wanted(ids[0], ("layout", "style"), 0.5)]


def test_a_known_answer_is_asked_once_for_each_account(catalog, ids):
    keep(catalog, ids[0], DONE)
    asked, known = [Wanted(ids[0], ("layout",), 0.5)], {"said": {ids[0]: {"layout"}}}
    known["gold"] = {ids[0]: ("layout",)}
    assert plan(catalog, asked, **known).fresh == []
    assert plan(catalog, asked, **known, accounts=2).fresh == asked
    keep(catalog, ids[0], DONE, number=2)
    assert plan(catalog, asked, **known, accounts=2).fresh == []
    assert plan(catalog, asked, **known, accounts=3).fresh == asked


def test_tasks_that_ask_nothing_any_more_are_named_and_the_work_of_people_is_not(catalog, ids):
    for image_id, state in zip(ids, (PUSHED, DONE, TOUCHED), strict=True):
        keep(catalog, image_id, state)
    assert plan(catalog, []).settled == [ids[0]]


@pytest.mark.parametrize(
    ("told", "now", "moved"),
    [
        ((0.9, 0.6, 0.3), (1.0, 0.7, 0.35), ()),  # the same order: others were done meanwhile
        ((0.9, 0.6, 0.3), (0.6, 0.9, 0.3), (0, 1)),
        ((0.9, 0.6, 0.3), (1.0, 0.9, 0.4), (1,)),
        ((None, 0.6, 0.3), (1.0, 0.6, 0.3), (0, 1, 2)),  # pushed before places were kept
    ],
)
def test_the_server_is_told_of_another_place_only_when_it_is_quite_another(
    catalog, ids, told, now, moved
):
    for at, image_id in enumerate(ids):
        keep(catalog, image_id, PUSHED, priority=told[at], task_id=at + 1)
    asked = [Wanted(one, ("caption",), p) for one, p in zip(ids, now, strict=True)]
    found = plan(catalog, asked)
    assert [one.moved for one in found.present] == [at in moved for at in range(3)]
    assert found.front == set(ids)
