"""The page tells how far labeling is: with audits, without, and where nothing is known yet."""

from datetime import timedelta

import pytest

from lowdiff.labels.accept.policy import Policy, read_policy
from lowdiff.labels.schema import load_schema
from lowdiff.report.write import write_report
from tests.labels.people import NOW, SHARE, Crowd
from tests.report.conftest import Page, read_page

DAYS = 3


@pytest.fixture
def crowd(catalog) -> Crowd:
    return Crowd(catalog).add_images(900)


def page_of(crowd: Crowd, store, workspace) -> Page:
    with crowd.catalog.read() as session:
        policy: Policy = read_policy(session, acceptance="audited", accept_confidence=1.0)
    return read_page(
        write_report(
            catalog=crowd.catalog,
            store=store,
            workspace=workspace,
            schema=load_schema(),
            policy=policy,
            dataset_name="brand",
            error_limit=0.02,
            audit_share=SHARE,
            now=lambda: NOW + timedelta(days=DAYS),
        )
    )


def test_the_page_tells_pace_date_decisions_and_what_comes_next(crowd, store, workspace):
    crowd.draft(crowd.ids, "plain", 0.9)
    crowd.draft(crowd.ids, "vivid", 0.9, name="saturation", by="colour-pixels/1")
    crowd.judge(crowd.others[:60], "vivid", name="saturation")
    crowd.judge(crowd.others[:60], "plain")
    for day in range(DAYS):
        some = crowd.audited[day * 80 : day * 80 + 80]
        crowd.judge(some, "plain", at=NOW + timedelta(days=day))
        crowd.decide_all()
    page = page_of(crowd, store, workspace)
    words = page.section("labels")
    assert "background background-pixels on all 240 0 1.7%" in words
    assert "A person takes 8.0 s for an image (median of 300)" in words
    assert "is done on" in words
    assert "more audited labels of saturation" in words
    for plot in ("plot-label-days", "plot-label-bounds"):
        assert page.tree.css_first(f"svg#{plot}") is not None


def test_what_was_switched_off_stands_on_the_page(crowd, store, workspace):
    crowd.draft(crowd.ids, "plain", 0.9)
    crowd.judge(crowd.others[:60], "plain")
    crowd.judge(crowd.audited[:250], "plain")
    crowd.decide()
    crowd.judge(crowd.audited[250:260], "photo")
    crowd.decide()
    words = page_of(crowd, store, workspace).section("labels")
    assert "Notice: background: drafts by background-pixels do not count any more" in words


def test_without_a_person_the_page_says_from_when_on_there_is_a_forecast(crowd, store, workspace):
    crowd.draft(crowd.ids, "plain", 0.9)
    page = page_of(crowd, store, workspace)
    assert "from 20 on there is a forecast" in page.section("labels")
    assert page.tree.css_first("svg#plot-label-days") is None
