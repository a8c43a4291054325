"""The queue: what comes next and why."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from lowdiff.catalog.tables import Image
from lowdiff.cli.app import app
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.policy import Policy
from lowdiff.labels.quality.second_look import answered_second_looks, ask_again, open_second_looks
from lowdiff.labels.queue.gold import add_gold
from lowdiff.labels.queue.likeness import of_vectors
from lowdiff.labels.queue.mix import mixed
from lowdiff.labels.queue.priority import (
    AUDIT,
    EARLY_SHARE,
    GOLD,
    WORTH,
    make_queue,
    priorities,
)
from lowdiff.labels.queue.words import reasons
from lowdiff.labels.queue.worth import Candidate, by_worth
from tests.labels.forms import SCHEMA
from tests.labels.people import NOW, Crowd

NOBODY = Policy("audited")


def queue_of(crowd: Crowd, **options):
    settings = {"audit_share": 0.0, "gold_share": 0.1} | options
    return make_queue(crowd.catalog, SCHEMA, options.pop("policy", NOBODY), **settings)


def drafted(catalog, number: int, confidence: float = 0.6) -> Crowd:
    crowd = Crowd(catalog).add_images(number)
    crowd.draft(crowd.ids, "plain", confidence)
    crowd.draft(crowd.ids, "none", confidence, name="logo", by="logo/1")
    return crowd


def candidate(name: str, **more) -> Candidate:
    return Candidate(**({"image_id": name, "family": name, "unsure": 0.5, "rarity": 0.0,
                         "lacks": True} | more))  # fmt: skip


def order(*candidates: Candidate, **more) -> str:
    found = by_worth(candidates, **({"known_families": frozenset()} | more))
    return "".join(candidates[place].image_id for place, _ in found)


def test_what_is_less_sure_rarer_or_lacking_comes_first():
    assert order(candidate("a", unsure=0.1), candidate("b", unsure=0.9)) == "ba"
    assert order(candidate("a"), candidate("b", rarity=0.8)) == "ba"
    assert order(candidate("a", lacks=False), candidate("b")) == "ba"


def test_one_of_a_large_family_comes_first_and_the_others_after_all_that_is_new():
    family = [candidate(name, family="f") for name in "abcd"]
    assert order(candidate("x"), *family, candidate("y")) == "axybcd"
    known = order(candidate("x"), *family, known_families=frozenset("f"))
    assert known == "xabcd"


def test_what_is_like_the_labelled_comes_late_and_twins_do_not_follow_each_other():
    near, far, twin = [1.0, 0.0], [0.0, 1.0], [0.05, 0.999]
    likeness = np.array([near, far, twin], np.float32)
    known = np.array([near], np.float32)
    found = by_worth(
        [candidate("a"), candidate("b"), candidate("c", unsure=0.49)],
        known_families=frozenset(), likeness=likeness, known=known,
    )  # fmt: skip
    assert found[0][0] == 1
    novel = {place: worth.novel for place, worth in found}
    assert novel[1] == 1
    assert novel[0] < 0.2
    assert novel[2] < 0.2  # once its twin is chosen it is known


def test_audits_take_turns_from_the_beginning_and_never_by_how_unsure_they_are(catalog):
    crowd = drafted(catalog, 400)
    before = [one.image_id for one in queue_of(crowd, audit_share=0.2) if one.kind == AUDIT]
    for place, one in enumerate(crowd.ids):
        crowd.draft([one], "photo", 0.01 + place / 500, by="background-pixels/2")
    queue = queue_of(crowd, audit_share=0.2)
    audits = [one for one in queue if one.kind == AUDIT]
    assert [one.image_id for one in audits] == before
    assert {one.image_id for one in audits} == {one for one in crowd.ids if is_audit(one, 0.2)}
    early = round(EARLY_SHARE * len(audits))
    assert [one.kind for one in queue[: 2 * early]] == [AUDIT, WORTH] * early
    assert AUDIT in [one.kind for one in queue[-2 * early :]]
    assert all(one.ask == tuple(n for n in SCHEMA.names if n != "brand") for one in audits)


def test_audits_beyond_the_early_ones_are_spread_over_the_rest():
    ranked, audits = [f"r{n}" for n in range(20)], [f"a{n}" for n in range(8)]
    queue = mixed(ranked, audits, [], gold_share=0.0, early=4)
    assert queue[:8] == ["a0", "r0", "a1", "r1", "a2", "r2", "a3", "r3"]
    assert sorted(queue) == sorted(ranked + audits)
    assert [one for one in queue if one in ranked] == ranked
    halves = [sum(one in audits for one in some) for some in (queue[8:18], queue[18:])]
    assert halves == [2, 2]
    assert mixed(["r0"], audits[:3], [], gold_share=0.0, early=9) == ["a0", "r0", "a1", "a2"]


def test_the_queue_ends_where_nothing_is_open_and_priorities_all_differ(catalog):
    crowd = drafted(catalog, 60)
    for name in SCHEMA.names:
        value = {"text": "word", "flags": [], "choice": None}[SCHEMA.field(name).kind]
        value = SCHEMA.field(name).values[0] if value is None else value
        crowd.judge(crowd.ids[:10], value, name=name)
    found = priorities(crowd.catalog, SCHEMA, NOBODY, audit_share=0.0, gold_share=0.0)
    assert set(found) == set(crowd.ids[10:])
    assert len(set(found.values())) == 50
    assert max(found.values()) == 1
    assert min(found.values()) > 0


def test_the_same_labels_give_the_same_queue(catalog):
    crowd = drafted(catalog, 80)
    crowd.judge(crowd.ids[:5], "photo")
    assert queue_of(crowd, audit_share=0.1) == queue_of(crowd, audit_share=0.1)


def test_a_rare_value_brings_an_image_forward_and_the_queue_says_so(catalog):
    crowd = drafted(catalog, 100)
    crowd.draft(crowd.ids[:50], "plain", 0.9, by="background-pixels/2")
    crowd.draft(crowd.ids[98:], "photo", 0.9, by="background-pixels/2")
    crowd.judge(crowd.ids[:50], "plain")
    first = [one for one in queue_of(crowd) if one.image_id in crowd.ids[50:]][:2]
    assert {one.image_id for one in first} == set(crowd.ids[98:])
    assert first[0].rare == ("background", "photo")
    assert "background photo is rare in the labels" in reasons(first[0])


def test_families_are_read_from_the_catalog(catalog):
    crowd = drafted(catalog, 40)
    with catalog.write() as session:
        for one in crowd.ids[:8]:
            session.get_one(Image, one).family_id = "f" * 64
    first = queue_of(crowd)[0]
    assert first.image_id in crowd.ids[:8]
    assert "speaks for 8 images of its family" in reasons(first)
    crowd.judge([first.image_id], "plain")
    later = [one.image_id in crowd.ids[:8] for one in queue_of(crowd)]
    assert not any(later[:32])


def test_known_answers_come_at_their_share_until_every_annotator_has_given_them(catalog):
    crowd = drafted(catalog, 100)
    gold = crowd.ids[:4]
    with catalog.write() as session:
        for one in gold:
            add_gold(session, one, {"background": "photo"}, schema=SCHEMA, made_by="lea", now=NOW)
    places = [at for at, one in enumerate(queue_of(crowd)) if one.kind == GOLD]
    assert places == [5, 15, 25, 35]
    asked = [one for one in queue_of(crowd) if one.kind == GOLD]
    assert all("background" in one.ask for one in asked)
    plain = next(one for one in queue_of(crowd) if one.kind == WORTH)
    assert {one.ask for one in asked} == {plain.ask}  # the screen tells no difference
    crowd.judge(gold[:3], "plain", by="ana")
    crowd.judge(gold[:2], "plain", by="ben")
    left = {one.image_id for one in queue_of(crowd) if one.kind == GOLD}
    assert left == set(gold[2:])


def test_a_second_look_brings_a_finished_image_back_until_a_person_speaks(catalog):
    crowd = drafted(catalog, 5)
    for name in SCHEMA.names:
        kind = SCHEMA.field(name).kind
        value = {"text": "word", "flags": []}.get(kind, (*SCHEMA.field(name).values, None)[0])
        crowd.judge(crowd.ids, value, name=name)
    assert queue_of(crowd) == []
    with catalog.write() as session:
        asked = [(crowd.ids[0], "layout", "its twin says grid")] * 2
        assert ask_again(session, asked, now=NOW) == 1
        assert ask_again(session, asked, now=NOW) == 0
    (one,) = queue_of(crowd)
    assert (one.image_id, one.ask, one.kind) == (crowd.ids[0], ("layout",), WORTH)
    assert reasons(one)[0] == "second look: its twin says grid"
    crowd.judge(crowd.ids[:1], "grid", name="layout")
    assert queue_of(crowd) == []
    with catalog.write() as session:
        assert open_second_looks(session) == {}
        assert answered_second_looks(session) == {(crowd.ids[0], "layout")}
        assert ask_again(session, asked, now=NOW) == 1


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_gold_that_outnumbers_the_queue_goes_to_its_end(share):
    queue = mixed(["a"], [], ["g", "h", "i"], gold_share=share)
    assert sorted(queue) == ["a", "g", "h", "i"]
    assert mixed(["a"], ["b"], ["g"], gold_share=0.0) == ["b", "a"]


def test_only_what_was_compared_is_called_unlike_the_labelled(catalog):
    crowd = drafted(catalog, 20)
    crowd.judge(crowd.ids[:1], "plain")
    vectors = of_vectors(crowd.ids[:10], np.eye(10, dtype=np.float32))
    said = {one.image_id: " ".join(reasons(one)) for one in queue_of(crowd, likeness=vectors)}
    new = {one for one, why in said.items() if "unlike what people have labelled" in why}
    assert new == set(crowd.ids[1:10])


def test_likeness_of_an_image_without_a_vector_is_nothing():
    likeness = of_vectors(["a", "b"], np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    assert likeness.of(["b", "x", "a"]).tolist() == [[0, 0], [0, 0], pytest.approx([0.6, 0.8])]


def test_the_command_shows_what_is_next_and_why(tmp_path, monkeypatch):
    from lowdiff.ops.project import open_project

    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(tmp_path / "data"))
    monkeypatch.setenv("LOWDIFF_USE_UNKNOWN_LICENCES", "true")
    with open_project() as project:
        crowd = drafted(project.catalog, 30)
        audits = {one for one in crowd.ids if is_audit(one, project.settings.audit_share)}
        doubtful = next(one for one in crowd.ids[7:] if one not in audits)
        crowd.draft([doubtful], "pattern", 0.1, by="background-pixels/2")
    shown = CliRunner().invoke(app, ["label", "queue", "--json", "--limit", "3"])
    assert shown.exit_code == 0, shown.output
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(rows) == 3
    assert rows[0]["priority"] == 1
    plain = next(row for row in rows if row["image"] not in audits)
    assert plain["image"] == doubtful
    assert "unsure of" in plain["why"][0]
    text = CliRunner().invoke(app, ["label", "queue"]).stdout
    assert doubtful[:12] in text
