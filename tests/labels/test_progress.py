"""Pace, forecast, what to label next, and the same in words."""

import json
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from lowdiff.catalog import open_catalog
from lowdiff.catalog.label_tables import AcceptanceDecision, LabelWithdrawal
from lowdiff.catalog.tables import LabelEvent
from lowdiff.cli.app import app
from lowdiff.labels.accept.decide import least_audits
from lowdiff.labels.accept.policy import Policy, by_confidence
from lowdiff.labels.progress.pace import Visit, forecast, measure_pace, read_visits
from lowdiff.labels.progress.status import read_status
from lowdiff.labels.progress.words import status_text
from tests.labels.forms import SCHEMA
from tests.labels.people import NOW, SHARE, Crowd

MONDAY = date(2026, 3, 2)


def visits(days: dict[date, int], seconds: float = 9.0) -> list[Visit]:
    return [
        Visit(f"{day}-{n}", seconds, datetime(day.year, day.month, day.day, 10))
        for day, number in sorted(days.items())
        for n in range(number)
    ]


def status_of(crowd: Crowd, policy: Policy | None = None, today: date = MONDAY):
    return read_status(
        crowd.catalog,
        SCHEMA,
        policy or Policy("audited"),
        error_limit=0.02,
        audit_share=SHARE,
        today=today,
    )


@pytest.fixture
def crowd(catalog):
    return Crowd(catalog).add_images(900)


def test_breaks_count_neither_for_the_median_nor_for_the_hours():
    days = [MONDAY - timedelta(3), MONDAY - timedelta(4)]
    steady = measure_pace(visits(dict.fromkeys(days, 50)), today=MONDAY)
    with_break = visits(dict.fromkeys(days, 50))
    with_break[7] = Visit("lunch", 3_600.0, with_break[7].first_at)
    paused = measure_pace(with_break, today=MONDAY)
    assert paused.median_s == steady.median_s == 9.0
    assert paused.hours_spent == pytest.approx(steady.hours_spent, rel=0.05)
    assert paused.recent_s == pytest.approx(9.0, rel=0.05)


def test_the_forecast_rests_on_the_newest_images():
    slow = visits({MONDAY - timedelta(3): 300}, seconds=30.0)
    fast = visits({MONDAY - timedelta(2): 300}, seconds=8.0)
    pace = measure_pace([*slow, *fast], today=MONDAY)
    assert pace.recent_s == pytest.approx(8.0)
    assert forecast(pace, 450, today=MONDAY).hours_left == pytest.approx(1.0)


def test_the_date_skips_weekends_and_counts_days_without_labels():
    thursday, friday = MONDAY - timedelta(4), MONDAY - timedelta(3)
    pace = measure_pace(visits({thursday: 100, friday: 100}), today=MONDAY)
    assert pace.per_day == 100
    assert forecast(pace, 100, today=MONDAY).done_on == MONDAY
    assert forecast(pace, 500, today=MONDAY).done_on == MONDAY + timedelta(4)
    assert forecast(pace, 501, today=MONDAY).done_on == MONDAY + timedelta(7)
    lazy = measure_pace(visits({thursday: 100, MONDAY: 100}), today=MONDAY + timedelta(1))
    assert lazy.per_day == pytest.approx(200 / 3)


def test_today_is_not_over_and_old_days_are_not_the_present_pace():
    old = {MONDAY - timedelta(40): 900, MONDAY - timedelta(39): 900}
    assert measure_pace(visits(old), today=MONDAY).per_day is None
    recent = {MONDAY - timedelta(4): 100, MONDAY - timedelta(3): 100, MONDAY: 1}
    assert measure_pace(visits(recent), today=MONDAY).per_day == 100


@pytest.mark.parametrize(
    ("days", "hours", "words"),
    [
        ({}, None, "people have labelled 0 images"),
        ({MONDAY - timedelta(1): 19}, None, "people have labelled 19 images"),
        ({MONDAY - timedelta(1): 40}, 1.0, "no date yet"),
    ],
)
def test_where_there_is_too_little_to_tell_the_forecast_says_so(days, hours, words):
    found = forecast(measure_pace(visits(days), today=MONDAY), 400, today=MONDAY)
    assert found.hours_left == (pytest.approx(hours) if hours else None)
    assert found.done_on is None
    assert words in found.caution


def test_an_image_on_two_screens_is_one_visit_and_an_edit_counts_once(crowd):
    crowd.judge(crowd.ids[:1], "plain", seconds=5.0)
    crowd.judge(crowd.ids[:1], "photo", seconds=7.0)
    crowd.annotations -= 1
    crowd.judge(crowd.ids[:1], "plain", seconds=11.0, at=NOW + timedelta(hours=1))
    with crowd.catalog.read() as session:
        (visit,) = read_visits(session)
    assert (visit.seconds, visit.first_at) == (16.0, NOW)


def test_a_label_that_a_migration_said_again_took_no_time_again(crowd):
    (key,) = crowd.judge(crowd.ids[:1], "plain", seconds=5.0)
    with crowd.catalog.write() as session:
        old = session.scalars(select(LabelEvent)).one()
        again = {c.name: getattr(old, c.name) for c in LabelEvent.__table__.columns}
        again |= {"id": None, "event_key": "again", "annotation_key": f"{key}~3"}
        session.add(LabelEvent(**again))
    with crowd.catalog.read() as session:
        (visit,) = read_visits(session)
    assert visit.seconds == 5.0


def test_what_settles_most_drafts_with_the_fewest_labels_comes_first(crowd):
    for name, value, number in (("background", "plain", 900), ("saturation", "vivid", 400)):
        crowd.draft(crowd.ids[:number], value, 0.9, name=name, by=f"{name}-pixels/1")
        crowd.judge([one for one in crowd.ids[:300] if one in crowd.others], value, name=name)
    found = status_of(crowd)
    assert [gain.field for gain in found.gains] == ["background", "saturation"]
    first, second = found.gains
    assert first.needed == second.needed == 208
    assert first.drafts > second.drafts > 0
    assert first.is_reachable
    assert first.audits_left == len(crowd.audited)
    human = sum(one not in crowd.audited for one in crowd.ids[:300])
    assert first.drafts == len(crowd.others) - human
    assert f"{first.needed} more audited labels of background" in status_text(found, today=MONDAY)


def test_what_was_switched_off_is_told_until_it_is_on_again(crowd):
    def decision(state):
        return AcceptanceDecision(
            field="background", family="background-pixels", state=state, threshold=0.8,
            audited=300, errors=0, upper_bound=0.015, error_limit=0.02, calibration_labels=80,
            reason="drift: it rained", decided_at=NOW,
        )  # fmt: skip

    told = []
    for state in ("off", "on", "off", "off", "on"):
        with crowd.catalog.write() as session:
            session.add(decision(state))
        told.append(status_of(crowd).notices)
    assert [len(notices) for notices in told] == [0, 0, 1, 1, 0]
    assert "2 March 2026. drift: it rained" in told[2][0]


def test_an_unusable_image_waits_for_nobody(crowd):
    crowd.judge(crowd.others[:1], ["unusable"], name="flags")
    tally = status_of(crowd).tally
    assert (tally.unusable, tally.finished, tally.to_see) == (1, 1, 899)


def test_a_fresh_project_is_told_how_many_labels_it_takes(crowd):
    crowd.draft(crowd.ids, "plain", 0.9)
    told = f"{least_audits(0.02)} audited labels without an error"
    assert told in status_text(status_of(crowd), today=MONDAY)


def test_without_audits_the_words_say_so(crowd):
    text = status_text(status_of(crowd, by_confidence(0.5)), today=MONDAY)
    assert "unaudited" in text


def test_postgresql_says_the_same_as_sqlite(crowd, workspace, new_postgres):
    other = open_catalog(workspace, new_postgres())
    both = (crowd, Crowd(other).add_images(900))
    for one in both:
        one.draft(one.ids, "plain", 0.9)
        keys = one.judge(one.others[:60], "plain")
        one.judge(one.audited[:230], "plain", seconds=None)
        with one.catalog.write() as session:
            withdrawn = LabelWithdrawal(annotation_key=keys[0], withdrawn_at=NOW, reason="")
            session.add(withdrawn)
        one.decide()
    first, second = (status_of(one).record() for one in both)
    other.close()
    assert first == second
    assert first["fields"]["background"]["human"] == 289


@pytest.fixture
def run(crowd, workspace, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("LOWDIFF_AUDIT_SHARE", str(SHARE))

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["label", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    return call


def test_the_commands_decide_and_tell_a_manager_when_it_is_done(crowd, run):
    crowd.draft(crowd.ids, "plain", 0.9)
    crowd.judge(crowd.others[:60], "plain")
    crowd.judge(crowd.audited[:230], "plain")
    assert "background by background-pixels: on (was off)" in run("accept", "--preview")
    assert json.loads(run("status", "--json"))["fields"]["background"]["accepted"] == 0
    assert json.loads(run("accept", "--json"))["is_on"] is True
    (said,) = [json.loads(run("status", "--json"))]
    assert said["fields"]["background"]["accepted"] == 900 - 60 - 230
    assert said["forecast"]["images_left"] == said["to_see"]
    assert said["acceptance"]["rules"][0]["upper_bound"] < 0.02
    text = run("status")
    assert "Labels of 900 images" in text
    assert "background-pixels: all drafts, at most 1.8% of the field wrong" in text
    assert "A person takes 8.0 s for an image (median of 290)" in text
