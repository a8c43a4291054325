"""The report tells how people label, what looks wrong and what comes next."""

import pytest

from lowdiff.labels.quality.second_look import ask_again
from lowdiff.labels.queue.gold import add_gold
from lowdiff.report.sections.label_quality import gather_label_quality
from tests.labels.corpus import add_drafted
from tests.labels.forms import SCHEMA
from tests.labels.people import Crowd
from tests.report.conftest import inputs_of
from tests.report.workspace import NOW, Small


@pytest.fixture
def labelled(small: Small) -> Crowd:
    """Twelve drafted discs; two people have labelled the first ones."""
    ids = add_drafted(small.catalog, small.store, range(12))
    crowd = Crowd(small.catalog, ids)
    crowd.judge(ids[:6], "transparent", by="zoe")
    crowd.judge(ids[:5], "transparent", by="ana")
    crowd.judge(ids[5:6], "plain", by="ana")
    crowd.judge(ids[5:6], "none", name="background_colour", by="ana")
    return crowd


def test_the_page_shows_people_by_name_and_what_contradicts(small, labelled, page_of):
    words = page_of(small).section("labels")
    assert words.index("ana") < words.index("zoe")
    assert "no ranking" in words
    assert "only a transparent background has no colour" in words
    assert "What people see next" in words


def test_agreement_is_told_with_its_images(small, labelled):
    found = gather_label_quality(inputs_of(small))
    (background,) = found.agreement
    assert (background.field, background.interval.images) == ("background", 6)
    assert background.same == pytest.approx(5 / 6)
    assert found.suspects == 1
    assert found.queue == len(labelled.ids)


def test_known_answers_are_not_told_and_second_looks_are_counted(small, labelled, page_of):
    with small.catalog.write() as session:
        add_gold(
            session, labelled.ids[0], {"style": "photo"}, schema=SCHEMA, made_by="lea", now=NOW
        )
        ask_again(session, [(labelled.ids[5], "background_colour", "why")], now=NOW)
    page = page_of(small)
    assert "a known answer" not in page.text
    assert "1 label is back with the annotators" in page.section("labels")


def test_an_empty_project_has_no_such_section(small, page_of):
    words = page_of(small).section("labels")
    assert "How people label" not in words
