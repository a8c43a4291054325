"""Where an audit contradicts a sure draft, the person is asked once more, blind."""

from typing import Any

import pytest

from lowdiff.labels.accept.evidence import gather_samples
from lowdiff.labels.desk.prepare import Office, prepare
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.wanted import Wanted
from lowdiff.labels.quality.second_look import BLIND, ask_again, blind_fields, open_second_looks
from lowdiff.labels.quality.slips import ask_contradicted
from tests.labels.corpus import add_drafted
from tests.labels.forms import SCHEMA
from tests.labels.people import NOW, SHARE, Crowd


@pytest.fixture
def crowd(catalog):
    return Crowd(catalog).add_images(60)


def samples_of(catalog):
    with catalog.read() as session:
        return gather_samples(session, SCHEMA, audit_share=SHARE, audits_only=True)


def ask(catalog):
    with catalog.write() as session:
        return ask_contradicted(session, samples_of(catalog), now=NOW)


def open_looks(catalog):
    with catalog.read() as session:
        return open_second_looks(session)


def test_only_audits_that_contradict_a_sure_draft_are_asked_again_and_only_once(crowd):
    slip, wrong, unsure, fine = crowd.audited[:4]
    crowd.draft([slip, wrong, fine, crowd.others[0]], "plain", 0.95)
    crowd.draft([unsure], "plain", 0.5)
    crowd.judge([slip, wrong, unsure, crowd.others[0]], "photo")
    crowd.judge([fine], "plain")
    assert ask(crowd.catalog) == 2
    assert open_looks(crowd.catalog) == {one: {"background": BLIND} for one in (slip, wrong)}
    crowd.judge([slip], "plain")
    crowd.judge([wrong], "photo")
    assert {one.image_id: one.right for one in samples_of(crowd.catalog)} == {
        slip: True, wrong: False, unsure: False, fine: True,
    }  # fmt: skip
    assert ask(crowd.catalog) == 0
    assert open_looks(crowd.catalog) == {}


def test_what_is_asked_blind_is_empty_on_the_screen(catalog, store, workspace):
    blind, seen = add_drafted(catalog, store, range(2))
    with catalog.write() as session:
        ask_again(session, [(blind, "layout", BLIND), (seen, "layout", "unlike others")], now=NOW)
    with catalog.read() as session:
        assert blind_fields(session)[blind] == {"layout"}
    nobody: Any = None  # no server is asked
    office = Office(
        nobody, TaskProject("brand|0", 1, ""), SCHEMA, catalog, store, workspace, workspace.served
    )
    ready, _ = prepare(office, [Wanted(one, ("layout",), 1.0) for one in (blind, seen)],
                       checked=False)  # fmt: skip
    filled = [{item["from_name"] for item in one.result} for one in ready]
    assert ["layout" in names for names in filled] == [False, True]
    assert all("ask" in names for names in filled)
