"""Known answers: made, listed, taken back; how often annotators give them."""

import json

import pytest
from typer.testing import CliRunner

from lowdiff.catalog.labels import current_labels
from lowdiff.cli.app import app
from lowdiff.errors import InputError
from lowdiff.labels.accept.evidence import gather_samples
from lowdiff.labels.quality.ratings import read_ratings
from lowdiff.labels.queue.gold import (
    GoldScore,
    add_gold,
    gold_fields,
    gold_scores,
    human_answers,
    list_gold,
    remove_gold,
)
from lowdiff.ops.project import open_project
from tests.labels.forms import SCHEMA
from tests.labels.people import NOW, Crowd


def known(crowd: Crowd, image_id: str, by: str = "lea", **values) -> int:
    with crowd.catalog.write() as session:
        return add_gold(session, image_id, values, schema=SCHEMA, made_by=by, now=NOW)


def label(crowd: Crowd, image_id: str, name: str = "background"):
    with crowd.catalog.read() as session:
        return current_labels(session, [image_id]).get(image_id, {}).get(name)


@pytest.fixture
def crowd(catalog):
    return Crowd(catalog).add_images(10)


def test_a_known_answer_counts_above_a_careless_one_until_it_is_removed(crowd):
    one = crowd.ids[0]
    known(crowd, one, background="photo", layout="grid")
    crowd.judge([one], "plain")
    assert (label(crowd, one).value, label(crowd, one).origin) == ("photo", "adjudicated")
    with crowd.catalog.write() as session:
        assert gold_fields(session) == {one: ("background", "layout")}
        assert remove_gold(session, [one], now=NOW) == 2
        assert remove_gold(session, [one], now=NOW) == 0
        assert list_gold(session) == []
    assert (label(crowd, one).value, label(crowd, one).actor) == ("plain", "ana@brand.org")
    assert label(crowd, one, "layout") is None


def test_an_answer_that_is_made_known_again_replaces_the_earlier_one(crowd):
    one = crowd.ids[0]
    for value in ("photo", "plain", "photo"):
        known(crowd, one, background=value)
        assert label(crowd, one).value == value
    with crowd.catalog.read() as session:
        assert [answer.value for answer in list_gold(session)] == ["photo"]


def test_annotators_are_measured_by_field_and_never_on_their_own_answers(crowd):
    for one in crowd.ids[:3]:
        known(crowd, one, by="ana", background="photo")
    crowd.judge(crowd.ids[:3], "photo", by="ana")
    crowd.judge(crowd.ids[:2], "photo", by="ben")
    crowd.judge(crowd.ids[2:5], "plain", by="ben")
    crowd.judge(crowd.ids[:1], "grid", by="ben", name="layout")
    with crowd.catalog.read() as session:
        found = gold_scores(session, read_ratings(session), SCHEMA)
    assert found == {"ben": {"background": GoldScore(3, 2)}}
    assert found["ben"]["background"].share == pytest.approx(2 / 3)


def test_a_known_answer_is_no_audit_of_drafts(crowd):
    crowd.draft(crowd.ids, "plain", 0.9)
    known(crowd, crowd.ids[0], background="photo")
    with crowd.catalog.read() as session:
        assert gather_samples(session, SCHEMA, audit_share=1.0) == []
        assert read_ratings(session) == []


def test_answers_of_people_become_known_under_their_names(crowd):
    crowd.judge(crowd.ids[:1], "photo", by="ana")
    crowd.judge(crowd.ids[:1], "grid", by="ben", name="layout")
    with crowd.catalog.read() as session:
        found = human_answers(session, crowd.ids[0], SCHEMA)
    assert found == {"ana": {"background": "photo"}, "ben": {"layout": "grid"}}


def test_what_the_schema_does_not_know_is_refused(crowd):
    with pytest.raises(InputError, match="background"):
        known(crowd, crowd.ids[0], background="purple stripes")
    with pytest.raises(InputError, match="--from-human"):
        known(crowd, crowd.ids[0])


def test_the_commands_add_list_and_remove(tmp_path, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(tmp_path / "data"))
    with open_project() as project:
        crowd = Crowd(project.catalog).add_images(3)
        crowd.judge(crowd.ids[1:2], "photo")
    one, two, three = crowd.ids

    def run(*arguments: str, code: int = 0) -> list[dict]:
        done = CliRunner().invoke(app, ["label", "gold", *arguments, "--json"])
        assert done.exit_code == code, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    said = ["--set", "background=plain", "--set", "palette=red,blue", "--by", "lea"]
    assert run("add", one[:10], *said) == [{"images": 1, "answers": 2}]
    assert run("add", two, "--from-human") == [{"images": 1, "answers": 1}]
    rows = {(row["image"], row["field"]): row for row in run("list")}
    assert rows[one, "palette"]["value"] == ["red", "blue"]
    assert rows[two, "background"]["made_by"] == "ana@brand.org"
    assert run("remove", one) == [{"images": 1, "removed": 2}]
    assert [row["image"] for row in run("list")] == [two]
    run("add", three, code=2)
    run("add", three, "--from-human", "--set", "background=plain", code=2)
    refused = CliRunner().invoke(app, ["label", "gold", "add", three, "--from-human"])
    assert isinstance(refused.exception, InputError)
