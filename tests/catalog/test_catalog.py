"""The catalog: migrations match the tables, stages resume, history only grows."""

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from lowdiff.catalog import open_catalog
from lowdiff.catalog.artifacts import Outcome, Stage, claim, payloads, pending_ids, record
from lowdiff.catalog.images import add_image, add_rejection, counts_by_source, rejections_by_reason
from lowdiff.catalog.labels import append_events, current_labels
from lowdiff.catalog.leases import is_dead, this_worker
from lowdiff.catalog.tables import Artifact, Base, Image, LabelEvent, Rejection, Sighting
from lowdiff.errors import ServiceError
from lowdiff.workspace import Workspace

STAGE = Stage("read", "1", {"size": 3})


def make_image(number: int, now) -> Image:
    return Image(
        id=f"{number:064x}",
        pixel_hash=f"{number:064x}",
        format="png",
        width_px=2,
        height_px=3,
        size_bytes=4,
        has_alpha=False,
        created_at=now,
    )


def make_sighting(number: int, now) -> Sighting:
    return Sighting(
        image_id=f"{number:064x}",
        source="own",
        url=f"{number}.png",
        licence="CC0-1.0",
        attribution="nobody",
        tags=["a"],
        evidence={},
        seen_at=now,
    )


@pytest.fixture
def five(catalog, now):
    with catalog.write() as session:
        for number in range(5):
            add_image(session, make_image(number, now), make_sighting(number, now))
    return [f"{number:064x}" for number in range(5)]


def test_the_migrations_lead_to_the_tables(catalog):
    with catalog.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_sqlite_writes_ahead_and_checks_foreign_keys(workspace):
    with closing(open_catalog(workspace)) as catalog, catalog.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_opening_twice_at_once_migrates_once(workspace, catalog_url):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.starmap(_open, [(workspace, catalog_url)] * 4) == [0, 0, 0, 0]


def _open(workspace: Workspace, url: str | None) -> int:
    catalog = open_catalog(workspace, url)
    with catalog.read() as session:
        number = len(session.scalars(select(Image.id)).all())
    catalog.close()
    return number


def test_a_catalog_that_cannot_be_reached_is_one_clear_error(tmp_path):
    with pytest.raises(ServiceError, match="cannot be used"):
        open_catalog(Workspace(tmp_path / "not" / "made"))


def test_an_image_and_its_sighting_are_kept_once(catalog, now):
    for expected in (True, False):
        with catalog.write() as session:
            assert add_image(session, make_image(1, now), make_sighting(1, now)) is expected
    with catalog.read() as session:
        assert counts_by_source(session) == {"own": {"images": 1, "rejected": 0}}


def test_a_rejection_is_replaced_and_goes_when_the_item_is_accepted(catalog, now):
    with catalog.write() as session:
        for reason in ("not_an_image", "too_large"):
            add_rejection(session, source="own", url="1.png", reason=reason, message="m", now=now)
        assert rejections_by_reason(session) == {"too_large": 1}
        add_image(session, make_image(1, now), make_sighting(1, now))
        assert session.scalars(select(Rejection)).all() == []


def test_a_stage_does_each_image_once_and_again_at_a_new_version(catalog, five, now):
    with catalog.write() as session:
        mine = claim(session, STAGE, five[:3], now=now, lease_s=60)
        outcomes = [
            Outcome(mine[0], "ok", {"n": 1}),
            Outcome(mine[1], "refused", error="broken"),
            Outcome(mine[2], "failed", error="try again"),
        ]
        record(session, STAGE, outcomes, now=now)
    with catalog.read() as session:
        assert pending_ids(session, STAGE) == five[2:]
        assert payloads(session, STAGE) == {five[0]: {"n": 1}}
        assert pending_ids(session, Stage("read", "2", {"size": 3})) == five
        assert pending_ids(session, Stage("read", "1", {"size": 4})) == five


def test_the_order_of_parameters_does_not_matter():
    assert (
        Stage("a", "1", {"x": 1, "y": 2}).params_hash
        == Stage("a", "1", {"y": 2, "x": 1}).params_hash
    )


def test_what_another_living_worker_holds_is_not_claimed(catalog, five, now):
    code = (
        "from lowdiff.catalog.leases import this_worker; print(this_worker(), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        owner = other.stdout.readline().strip()
        with catalog.write() as session:
            claim(session, STAGE, five, now=now, lease_s=60)
            for row in session.scalars(select(Artifact)):
                row.lease_owner = owner
        with catalog.write() as session:
            assert claim(session, STAGE, five, now=now, lease_s=60) == []
            assert (
                claim(session, STAGE, five[:1], now=now + timedelta(hours=1), lease_s=1) == five[:1]
            )
        os.kill(other.pid, signal.SIGKILL)
    assert is_dead(owner)
    with catalog.write() as session:
        assert claim(session, STAGE, five, now=now, lease_s=60) == five


def test_this_worker_is_alive_and_another_host_is_never_called_dead():
    assert not is_dead(this_worker())
    assert not is_dead("elsewhere:1:1.00")


def event(field: str, value, origin: str, now, **more) -> LabelEvent:
    return LabelEvent(
        image_id=f"{0:064x}",
        field=field,
        value=value,
        origin=origin,
        actor="somebody",
        schema_version="1.0",
        created_at=now,
        **more,
    )


def test_a_persons_word_counts_before_any_machines(catalog, five, now):
    with catalog.write() as session:
        events = [
            event("background", "photo", "human", now, annotation_key="1:a"),
            event("background", "plain", "rule", now, confidence=1.0),
            event("background", "pattern", "model", now, confidence=1.0),
            event("layout", "left", "model", now),
            event("layout", "right", "rule", now),
        ]
        assert append_events(session, events) == 5
    with catalog.read() as session:
        labels = current_labels(session)[five[0]]
    assert labels["background"].value == "photo"
    assert labels["background"].is_human
    assert labels["layout"].value == "right"


def test_saying_it_twice_is_saying_it_once_and_a_later_word_counts(catalog, five, now):
    with catalog.write() as session:
        first = [event("caption", "a cat", "human", now, annotation_key="7:1")]
        assert append_events(session, first) == 1
        again = [event("caption", "a cat", "human", now, annotation_key="7:1")]
        assert append_events(session, again) == 0
        later = [event("caption", "a dog", "human", now, annotation_key="7:2")]
        assert append_events(session, later) == 1
        assert current_labels(session)[five[0]]["caption"].value == "a dog"
        assert len(session.scalars(select(LabelEvent)).all()) == 2


def test_an_error_in_a_transaction_leaves_no_trace(catalog, now):
    def half_a_transaction():
        with catalog.write() as session:
            add_image(session, make_image(1, now), make_sighting(1, now))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        half_a_transaction()
    with catalog.read() as session:
        assert session.scalars(select(Image.id)).all() == []
