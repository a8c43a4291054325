"""Agreement of annotators, and what each of them did."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from lowdiff.catalog.label_tables import LabelWithdrawal
from lowdiff.cli.app import app
from lowdiff.labels.quality.agreement import box_likeness, measure_agreement, text_likeness
from lowdiff.labels.quality.annotators import Share, describe_annotators
from lowdiff.labels.quality.ratings import read_ratings
from lowdiff.labels.queue.gold import add_gold
from lowdiff.ops.project import open_project
from tests.labels.forms import SCHEMA
from tests.labels.people import NOW, Crowd


def box(x: float, y: float, w: float, h: float, label: str = "Figure") -> dict:
    return {"label": label, "x_pct": x, "y_pct": y, "w_pct": w, "h_pct": h, "text": ""}


def rows_of(crowd: Crowd) -> dict:
    with crowd.catalog.read() as session:
        return {row.field: row for row in measure_agreement(read_ratings(session), SCHEMA)}


def people_of(crowd: Crowd) -> dict:
    with crowd.catalog.read() as session:
        found = describe_annotators(session, read_ratings(session), SCHEMA)
    assert [one.name for one in found] == sorted(one.name for one in found)
    return {one.name: one for one in found}


@pytest.fixture
def crowd(catalog):
    return Crowd(catalog).add_images(20)


def test_alpha_is_read_from_the_last_words_of_different_people(crowd):
    """Krippendorff 2011, section B, from the catalog: alpha 0.692."""
    ben, gerry = "aabbdcccedda", "babbbccceddd"
    values = dict(
        zip("abcde", ("plain", "gradient", "pattern", "photo", "transparent"), strict=True)
    )
    for one, first, second in zip(crowd.ids[:12], ben, gerry, strict=True):
        crowd.judge([one], "photo", by="ben")  # changed his mind: only the last word counts
        crowd.judge([one], values[first], by="ben")
        crowd.judge([one], values[second], by="gerry")
    crowd.judge(crowd.ids[12:], "plain", by="ben")
    row = rows_of(crowd)["background"]
    assert round(row.interval.value, 3) == 0.692
    assert (row.interval.images, row.interval.values) == (12, 24)
    assert row.same == pytest.approx(9 / 12)
    assert row.interval.low < 0.692 < row.interval.high


def test_a_deleted_annotation_and_a_correction_are_no_judgement(crowd):
    crowd.judge(crowd.ids[:2], "plain", by="ana")
    keys = crowd.judge(crowd.ids[:2], "photo", by="ben")
    with crowd.catalog.write() as session:
        session.add(LabelWithdrawal(annotation_key=keys[0], withdrawn_at=NOW, reason="deleted"))
        add_gold(session, crowd.ids[0], {"background": "photo"}, schema=SCHEMA, made_by="lea",
                 now=NOW)  # fmt: skip
    with crowd.catalog.read() as session:
        said = [(one.image_id, one.actor) for one in read_ratings(session)]
    assert said == [(crowd.ids[0], "ana"), (crowd.ids[1], "ana"), (crowd.ids[1], "ben")]


def test_flags_that_differ_a_little_agree_more_than_flags_that_share_nothing(crowd):
    for place, one in enumerate(crowd.ids):
        common = ["red", "blue"] if place % 2 else ["green", "pink"]
        crowd.judge([one], common, name="palette", by="ana")
        near = common[:1] if place < 4 else common
        crowd.judge([one], near, name="palette", by="ben")
        far = ["black"] if place < 4 else common
        crowd.judge([one], far, name="flags", by="ana")
        crowd.judge([one], common, name="flags", by="ben")
    rows = rows_of(crowd)
    assert rows["palette"].same == rows["flags"].same == 0.8
    assert rows["flags"].interval.value < rows["palette"].interval.value < 1


def test_texts_agree_by_the_edits_between_them_and_boxes_by_their_overlap(crowd):
    one, two = crowd.ids[:2]
    for by, caption, boxes in (
        ("ana", "a red car", [box(0, 0, 50, 100), box(60, 0, 10, 10)]),
        ("ben", "a  red cat", [box(60, 0, 10, 10), box(0, 0, 100, 100)]),
    ):
        crowd.judge([one], caption, name="caption", by=by)
        crowd.judge([one], boxes, name="boxes", by=by)
        crowd.judge([two], [], name="boxes", by=by)
    rows = rows_of(crowd)
    assert rows["caption"].interval.value == pytest.approx(8 / 9)
    assert rows["boxes"].interval.value == pytest.approx((0.5 + 1) / 2)
    assert rows["boxes"].interval.images == 1  # where nobody drew a box there is nothing to match
    assert rows["layout"].interval is None
    assert rows["layout"].why == "no image was judged by two people"


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(1, 40)] * 4).map(lambda p: box(*p)), max_size=5))
def test_boxes_are_like_themselves_in_any_order_and_missing_ones_cost(boxes):
    if not boxes:
        assert box_likeness(boxes, boxes) is None
        assert box_likeness([box(0, 0, 1, 1)], []) == 0
        return
    assert box_likeness(boxes, boxes[::-1]) == pytest.approx(1)
    assert box_likeness(boxes, [*boxes, box(90, 90, 5, 5)]) < 1
    other = [one | {"label": "Logo"} for one in boxes]
    assert box_likeness(boxes, other) == 0


@settings(deadline=None)
@given(st.text("ab ", max_size=9), st.text("ab ", max_size=9))
def test_text_likeness_is_symmetric_and_one_only_for_the_same_words(one, other):
    found = text_likeness(one, other)
    assert found == text_likeness(other, one)
    assert 0 <= found <= 1
    assert (found == 1) == (one.split() == other.split())


def test_lines_of_text_are_compared_where_people_have_drawn_some(crowd):
    line = {"label": "Text", "x_pct": 0, "y_pct": 0, "w_pct": 20, "h_pct": 10}
    assert "text_boxes" not in rows_of(crowd)
    crowd.judge(crowd.ids[:1], [line], by="ana", name="text_boxes")
    crowd.judge(crowd.ids[:1], [line | {"w_pct": 10}], by="ben", name="text_boxes")
    assert rows_of(crowd)["text_boxes"].interval.value == pytest.approx(0.5)


def test_an_annotator_is_described_by_drafts_changed_seconds_agreement_and_gold(crowd):
    crowd.draft(crowd.ids, "plain", 0.9)
    crowd.judge(crowd.ids[:8], "plain", by="ben", seconds=6.0)
    crowd.judge(crowd.ids[8:10], "photo", by="ben", seconds=30.0)
    crowd.draft(crowd.ids, "photo", 0.9, by="background-pixels/2")  # after ben: not what he saw
    crowd.judge(crowd.ids[:4], "plain", by="ana", seconds=None)
    with crowd.catalog.write() as session:
        for one in crowd.ids[7:9]:
            add_gold(session, one, {"background": "plain"}, schema=SCHEMA, made_by="lea", now=NOW)
    people = people_of(crowd)
    ben, ana = people["ben"], people["ana"]
    assert (ben.images, ben.median_s, ana.images, ana.median_s) == (10, 6.0, 4, None)
    assert ben.changed == {"background": Share(2, 10)}
    assert ana.changed_total == Share(4, 4)
    assert (ben.agrees, ana.agrees) == (Share(4, 4), Share(4, 4))
    assert (ben.gold_total, ana.gold_total) == (Share(1, 2), None)


def test_the_command_prints_both_and_ranks_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(tmp_path / "data"))
    empty = CliRunner().invoke(app, ["label", "agreement"])
    assert empty.exit_code == 0
    assert "lowdiff label pull" in empty.output
    with open_project() as project:
        crowd = Crowd(project.catalog).add_images(6)
        crowd.draft(crowd.ids, "plain", 0.9)
        crowd.judge(crowd.ids, "plain", by="zoe")
        crowd.judge(crowd.ids[:5], "plain", by="ana")
        crowd.judge(crowd.ids[5:], "photo", by="ana")
    done = CliRunner().invoke(app, ["label", "agreement", "--json"])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    fields = {row["field"]: row for row in rows if "field" in row}
    assert fields["background"]["same"] == pytest.approx(5 / 6)
    assert fields["background"]["images"] == 6
    assert [row["annotator"] for row in rows if "annotator" in row] == ["ana", "zoe"]
    text = CliRunner().invoke(app, ["label", "agreement"]).stdout
    assert text.index("ana") < text.index("zoe")
    assert "6 images" in text
