"""Suspected label errors: found, explained, asked again."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from lowdiff.catalog.duplicates import Edge, Verdict, add_verdict, keep_edges
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import LabelEvent, Sighting
from lowdiff.cli.app import app
from lowdiff.labels.quality.confident import doubts, normalised_margin, off_diagonal
from lowdiff.labels.quality.contradictions import RULES, Facts, contradictions
from lowdiff.labels.quality.page import write_suspects
from lowdiff.labels.quality.second_look import ask_again
from lowdiff.labels.quality.suspects import CONTRADICTION, LOOKS, TWIN, find_suspects
from lowdiff.ops.duplicates import decode_original
from lowdiff.ops.project import open_project
from tests.labels.corpus import add, disc
from tests.labels.forms import SCHEMA
from tests.labels.people import NOW, Crowd

NO_VECTORS = ([], np.zeros((0, 4), np.float32))
OPAQUE, CLEAR = Facts(has_alpha=False), Facts(has_alpha=True)


def suspects_of(crowd: Crowd, vectors=NO_VECTORS):
    with crowd.catalog.read() as session:
        return find_suspects(session, SCHEMA, vectors)


def clusters(ids: list[str], groups: int) -> tuple[list[str], np.ndarray]:
    """Features by which images fall into groups, one after the other."""
    dice = np.random.default_rng(3)
    rows = dice.normal(0, 0.3, (len(ids), 6))
    rows[np.arange(len(ids)), np.arange(len(ids)) % groups] += 3
    return ids, rows.astype(np.float32)


@pytest.fixture
def crowd(catalog):
    return Crowd(catalog).add_images(200)


def test_confident_joint_of_a_small_example_by_hand():
    """Thresholds 0.6 and 0.65: rows 2 and 5 reach the other class, row 1 reaches none."""
    chances = np.array(
        [[0.9, 0.1], [0.55, 0.45], [0.35, 0.65], [0.1, 0.9], [0.15, 0.85], [0.8, 0.2]]
    )
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert off_diagonal(labels, chances) == {2: 1, 5: 0}
    assert normalised_margin(labels, chances) == pytest.approx([0.8, 0.1, -0.3, 0.8, 0.7, -0.6])


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_margins_lie_between_minus_one_and_one_and_suspects_are_of_another_class(seed):
    dice = np.random.default_rng(seed)
    chances = dice.dirichlet(np.ones(3), 30)
    labels = np.concatenate([[0, 1, 2], dice.integers(0, 3, 27)])
    margins = normalised_margin(labels, chances)
    assert (np.abs(margins) <= 1).all()
    assert all(other != labels[row] for row, other in off_diagonal(labels, chances).items())


def test_labels_against_their_looks_are_found_with_what_they_should_say(crowd):
    ids, rows = clusters(crowd.ids, 3)
    values = [("plain", "photo", "pattern")[place % 3] for place in range(200)]
    wrong = {10: "pattern", 55: "plain", 99: "pattern"}
    for place, value in wrong.items():
        assert values[place] != value
    given_values = [wrong.get(place, value) for place, value in enumerate(values)]
    for one, value in zip(ids, given_values, strict=True):
        crowd.judge([one], value)
    found = suspects_of(crowd, (ids, rows))
    assert {one.image_id for one in found[:3]} == {ids[place] for place in wrong}
    assert {one.instead for one in found[:3]} == {values[place] for place in wrong}
    assert all(one.kinds == (LOOKS,) for one in found)
    assert len(found) < 10
    assert doubts(given_values[:30], rows[:30]) == []  # too few to say anything


def test_a_rule_s_draft_helps_and_a_learned_one_does_not(crowd):
    noise = np.random.default_rng(1).normal(0, 1, (200, 4)).astype(np.float32)
    crowd.draft(crowd.ids[:100], "plain", 0.9, by="pixels/1", origin="rule")
    crowd.draft(crowd.ids[100:], "photo", 0.9, by="pixels/1", origin="rule")
    crowd.draft(crowd.ids, "pattern", 0.9, by="head/1", origin="model")
    crowd.judge(crowd.ids[:99], "plain")
    crowd.judge(crowd.ids[99:], "photo")
    first = suspects_of(crowd, (crowd.ids, noise))[0]
    assert (first.image_id, first.instead) == (crowd.ids[99], "plain")


def test_a_label_that_no_pixel_bears_out_is_a_contradiction(crowd):
    crowd.judge(crowd.ids[:1], "transparent")
    crowd.judge(crowd.ids[1:3], "plain")
    crowd.judge(crowd.ids[1:2], "none", name="background_colour")
    found = {(one.image_id, one.field): one for one in suspects_of(crowd)}
    assert set(found) == {
        (crowd.ids[0], "background"),
        (crowd.ids[1], "background_colour"),
    }
    assert "every pixel is opaque" in found[crowd.ids[0], "background"].reasons[0]
    assert found[crowd.ids[0], "background"].kinds == (CONTRADICTION,)


@pytest.mark.parametrize(
    ("said", "facts", "field"),
    [
        ({"background": "transparent"}, OPAQUE, "background"),
        ({"background": "transparent", "background_colour": "red"}, CLEAR, "background_colour"),
        ({"background": "plain", "background_colour": "none"}, CLEAR, "background_colour"),
        ({"layout": "grid", "figure_count": "one"}, OPAQUE, "layout"),
        ({"saturation": "grey", "palette": ["red"]}, OPAQUE, "saturation"),
        ({"transcription": " "}, Facts(False, sure_words=3), "transcription"),
        ({"style": "lettering", "transcription": ""}, OPAQUE, "style"),
        ({"logo": "none", "boxes": [{"label": "Logo"}]}, OPAQUE, "logo"),
    ],
)
def test_each_rule_speaks_once_and_only_of_what_was_said(said, facts, field):
    assert list(contradictions(said, facts)) == [field]
    assert len(contradictions(said, facts)[field]) == 1
    for name in said:
        rest = {key: value for key, value in said.items() if key != name}
        assert field not in contradictions(rest, facts)
    assert {one.fields[0] for one in RULES} <= {*SCHEMA.names, "boxes"}


def test_true_labels_contradict_nothing():
    said = {
        "background": "transparent", "background_colour": "none", "layout": "grid",
        "figure_count": "few", "saturation": "vivid", "palette": ["red"], "style": "flat",
        "transcription": "SALE", "logo": "present", "boxes": [{"label": "Logo"}],
    }  # fmt: skip
    assert contradictions(said, Facts(has_alpha=True, sure_words=9)) == {}


def test_twins_that_differ_are_both_asked_but_copies_may_differ_in_quality(crowd):
    a, b, c, d = sorted(crowd.ids[:4])
    with crowd.catalog.write() as session:
        keep_edges(
            session,
            [Edge(a, b, "exact", 1.0, "exact/1"), Edge(c, d, "near", 0.9, "test/1")],
            now=NOW,
        )
    for one, style, quality in ((a, "flat", "good"), (b, "photo", "poor"),
                                (c, "flat", "good"), (d, "outline", "poor")):  # fmt: skip
        crowd.judge([one], style, name="style")
        crowd.judge([one], quality, name="quality")
    found = {(one.image_id, one.field): one for one in suspects_of(crowd)}
    assert set(found) == {
        (a, "style"), (b, "style"), (a, "quality"), (b, "quality"), (c, "style"), (d, "style"),
    }  # fmt: skip
    assert found[a, "style"].instead == "photo"
    assert found[a, "style"].kinds == (TWIN,)
    assert found[d, "style"].reasons == (f"its near twin {c[:12]} says flat",)
    with crowd.catalog.write() as session:
        add_verdict(session, Verdict(c, d, "distinct", "ana", None, NOW))
    assert {one.image_id for one in suspects_of(crowd)} == {a, b}


def test_what_people_confirm_at_a_second_look_is_not_asked_again(crowd):
    one = crowd.ids[0]
    crowd.judge([one], "transparent")
    with crowd.catalog.write() as session:
        ask_again(session, [(one, "background", "opaque")], now=NOW)
    assert len(suspects_of(crowd)) == 1
    crowd.judge([one], "transparent")
    assert suspects_of(crowd) == []


def human(image_id: str, number: int, **values: object) -> list[LabelEvent]:
    return [
        LabelEvent(
            image_id=image_id, field=name, value=value, origin="human", actor="<b>ana</b>",
            confidence=None, schema_version=SCHEMA.version, annotation_key=f"{number}:1@tag",
            created_at=NOW,
        )
        for name, value in values.items()
    ]  # fmt: skip


def test_the_page_shows_pictures_and_reasons_and_escapes_what_people_wrote(
    catalog, store, tmp_path
):
    one = add(catalog, store, disc(1), width_px=120, height_px=90)
    with catalog.write() as session:
        session.query(Sighting).update({"title": "<script>alert(1)</script>"})
        append_events(session, human(one, 1, background="plain", background_colour="none"))
    crowd = Crowd(catalog, [one])
    out = tmp_path / "page.html"
    write_suspects(
        suspects_of(crowd), out, schema=SCHEMA, catalog=catalog, store=store,
        decode=decode_original, number=7, now=lambda: NOW,
    )  # fmt: skip
    text = out.read_text()
    assert "7 labels of people may be wrong; 1 is here" in text
    assert "only a transparent background has no colour" in text
    assert "data:image/webp;base64," in text
    assert "<script>alert" not in text
    assert "<b>ana" not in text


def test_the_command_lists_writes_the_page_and_gives_labels_back(tmp_path, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(tmp_path / "data"))
    with open_project() as project:
        one = add(project.catalog, project.store, disc(1), width_px=120, height_px=90)
        with project.catalog.write() as session:
            events = human(one, 1, background="plain", background_colour="none", style="lettering")
            append_events(session, events + human(one, 1, transcription="", quality="good"))

    def run(*arguments: str) -> list[dict]:
        done = CliRunner().invoke(app, ["label", "suspects", "--json", *arguments])
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert {row["field"] for row in run()} == {"background_colour", "style"}
    assert (Path(tmp_path) / "data" / "suspects.html").exists()
    assert [row["field"] for row in run("--field", "style", "--push")] == ["style"]
    queue = CliRunner().invoke(app, ["label", "queue", "--json"])
    (row,) = [json.loads(line) for line in queue.stdout.splitlines()]
    assert "style" in row["ask"]
    assert row["why"][0].startswith("second look: letters are the picture")
