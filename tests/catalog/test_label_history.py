"""The history of labels: what counts now, what was withdrawn, machines that change their mind."""

import pytest
from alembic import command
from sqlalchemy import select, text

from lowdiff.catalog.images import add_image
from lowdiff.catalog.label_tables import LabelWithdrawal
from lowdiff.catalog.labels import append_events, current_labels
from lowdiff.catalog.migrate import alembic_config
from lowdiff.catalog.tables import LabelEvent
from tests.catalog.test_catalog import event, make_image, make_sighting

IMAGE = f"{0:064x}"


@pytest.fixture
def image(catalog, now):
    with catalog.write() as session:
        add_image(session, make_image(0, now), make_sighting(0, now))


def say(catalog, *events) -> int:
    with catalog.write() as session:
        return append_events(session, events)


def now_says(catalog, field="background"):
    with catalog.read() as session:
        return current_labels(session)[IMAGE][field]


@pytest.mark.usefixtures("image")
def test_a_machine_that_returns_to_an_earlier_value_is_heard_again(catalog, now):
    for value in ("plain", "photo", "plain", "photo"):
        assert say(catalog, event("background", value, "rule", now, confidence=0.8)) == 1
        assert say(catalog, event("background", value, "rule", now, confidence=0.8)) == 0
        assert now_says(catalog).value == value
    with catalog.read() as session:
        assert len(session.scalars(select(LabelEvent)).all()) == 4


@pytest.mark.usefixtures("image")
def test_a_change_of_mind_within_one_batch_is_kept_in_order(catalog, now):
    values = ("plain", "photo", "photo", "plain")
    events = [event("background", value, "rule", now, confidence=0.8) for value in values]
    assert say(catalog, *events) == 3
    assert now_says(catalog).value == "plain"


@pytest.mark.usefixtures("image")
def test_the_newest_machine_counts_whatever_its_kind(catalog, now):
    for origin, value in (("propagated", "a"), ("model", "b"), ("rule", "c"), ("model", "b")):
        assert say(catalog, event("background", value, origin, now, confidence=0.9)) == 1
        assert now_says(catalog).value == value


@pytest.mark.usefixtures("image")
def test_a_withdrawn_annotation_stays_in_the_history_and_does_not_count(catalog, now):
    say(
        catalog,
        event("background", "plain", "rule", now, confidence=0.9),
        event("background", "photo", "human", now, annotation_key="1:a@x"),
        event("background", "pattern", "human", now, annotation_key="2:a@x"),
    )
    for key, left in (("2:a@x", "photo"), ("1:a@x", "plain")):
        with catalog.write() as session:
            session.add(LabelWithdrawal(annotation_key=key, withdrawn_at=now, reason="deleted"))
        assert now_says(catalog).value == left
    with catalog.read() as session:
        assert len(session.scalars(select(LabelEvent)).all()) == 3


@pytest.mark.usefixtures("image")
def test_the_migration_goes_back_and_forth_without_losing_a_label(catalog, now):
    say(catalog, event("background", "photo", "human", now, annotation_key="1:a@x"))
    config = alembic_config()
    for go, target in ((command.downgrade, "0002"), (command.upgrade, "head")):
        with catalog.engine.execution_options(lowdiff_write=True).begin() as connection:
            config.attributes["connection"] = connection
            go(config, target)
        with catalog.read() as session:
            assert session.scalar(text("SELECT count(*) FROM current_label")) == 1
