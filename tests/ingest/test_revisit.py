"""Asking again: what has changed, what is gone, what its host wants to be asked later."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.queue import MAX_FAILURES
from lowdiff.catalog.tables import Find, Image, Rejection, Sighting
from lowdiff.ingest.discover import discover
from lowdiff.ingest.ingest import ingest_batch
from lowdiff.ingest.report import IngestReport
from lowdiff.ingest.source_kinds import FolderSource, WebSource
from lowdiff.ingest.todo import pending, waiting
from lowdiff.store import Store, image_key, preview_key, sha256_hex
from lowdiff.workspace import Workspace
from tests.ingest.conftest import (
    Reply,
    Site,
    folder_source,
    outside_of,
    png,
    reply,
    serve_site,
    web_source,
)

pytestmark = pytest.mark.integration

FIRST, SECOND = png((1, 2, 3)), png((3, 2, 1))
DAY = timedelta(days=1)


class Visits:
    """One workspace that is visited at times of our choice."""

    def __init__(self, workspace: Workspace, catalog: Catalog, store: Store, now: datetime) -> None:
        self.workspace, self.catalog, self.store, self.now = workspace, catalog, store, now

    def visit(
        self, source: WebSource | FolderSource, *, preview_px: int = 0, **how: Any
    ) -> IngestReport:
        sources = {source.name: source}
        with outside_of(source, self.workspace) as outside:
            discover(source.name, outside=outside, catalog=self.catalog, now=self.clock)
            todo = pending(self.catalog, sources, now=self.clock, **how)
            return ingest_batch(
                todo,
                outside=outside,
                catalog=self.catalog,
                store=self.store,
                preview_px=preview_px,
                now=self.clock,
            )

    def clock(self) -> datetime:
        return self.now

    def rows(self, table: Any) -> list[Any]:
        with self.catalog.read() as session:
            return list(session.scalars(select(table).order_by(table.id)))

    def find(self) -> Find:
        (row,) = self.rows(Find)
        assert isinstance(row, Find)
        return row


@pytest.fixture
def visits(workspace: Workspace, catalog: Catalog, store: Store, now: datetime) -> Visits:
    return Visits(workspace, catalog, store, now)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve_site() as running:
        running.shows("/a.png")
        yield running


def with_etag(body: bytes, etag: str) -> Reply:
    """304 for whoever has it already."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match") == etag:
            reply(b"", 304, ETag=etag)(handler)
        else:
            reply(body, ETag=etag)(handler)

    return answer


def test_what_has_not_changed_only_gets_a_new_date(visits, site):
    site.has("/a.png", with_etag(FIRST, '"1"'))
    source = web_source(site.url)
    assert visits.visit(source).new == 1
    (before,) = visits.rows(Sighting)
    assert visits.visit(source) == IngestReport()
    visits.now += DAY
    assert visits.visit(source, revisit=True) == IngestReport(unchanged=1)
    find, (after,) = visits.find(), visits.rows(Sighting)
    assert (find.state, find.etag, find.fetched_at) == ("done", '"1"', visits.now)
    assert (after.evidence, after.seen_at) == (before.evidence, before.seen_at)


def test_changed_bytes_are_a_new_image_and_the_old_one_keeps_its_sighting(visits, site):
    site.has("/a.png", with_etag(FIRST, '"1"'))
    source = web_source(site.url)
    visits.visit(source)
    site.has("/a.png", with_etag(SECOND, '"2"'))
    visits.now += DAY
    assert visits.visit(source, revisit=True).new == 1
    assert [row.image_id for row in visits.rows(Sighting)] == [
        sha256_hex(FIRST),
        sha256_hex(SECOND),
    ]
    assert (visits.find().image_id, visits.find().etag) == (sha256_hex(SECOND), '"2"')
    assert visits.store.exists(image_key(sha256_hex(FIRST), "png"))


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_rejected_and_its_image_stays(visits, site, status):
    site.has("/a.png", with_etag(FIRST, '"1"'))
    source = web_source(site.url)
    visits.visit(source)
    site.has("/a.png", reply(b"", status))
    visits.now += DAY
    assert dict(visits.visit(source, revisit=True).refused) == {"gone": 1}
    ((rejection,), (sighting,)) = visits.rows(Rejection), visits.rows(Sighting)
    assert rejection.reason == "gone"
    assert sighting.evidence["later"]["verdict"] == "gone"
    assert sighting.evidence["later"]["seen_at"] == visits.now.isoformat()
    assert len(visits.rows(Image)) == 1
    site.has("/a.png", with_etag(FIRST, '"1"'))  # it comes back
    assert visits.visit(source, retry_rejected=True).known == 1
    assert visits.rows(Rejection) == []
    assert "later" not in visits.rows(Sighting)[0].evidence


def test_a_source_may_say_after_how_many_days_it_is_asked_again(visits, site):
    site.has("/a.png", with_etag(FIRST, '"1"'))
    source = web_source(site.url, revisit_days=30.0)
    visits.visit(source)
    visits.now += 29 * DAY
    assert visits.visit(source) == IngestReport()
    visits.now += 2 * DAY
    assert visits.visit(source) == IngestReport(unchanged=1)
    assert visits.visit(source) == IngestReport()


def test_a_visit_that_was_interrupted_goes_on_before_the_next_begins(visits, site):
    site.shows("/a.png", "/b.png")
    for name in ("a", "b"):
        site.has(f"/{name}.png", with_etag(png((9, 9, ord(name))), f'"{name}"'))
    source = web_source(site.url)
    visits.visit(source)
    visits.now += DAY
    sources = {source.name: source}
    todo = pending(visits.catalog, sources, revisit=True, now=visits.clock)
    with outside_of(source, visits.workspace) as outside:
        ingest_batch(
            todo[:1],
            outside=outside,
            catalog=visits.catalog,
            store=visits.store,
            now=visits.clock,
        )
    visits.now += DAY
    assert pending(visits.catalog, sources, revisit=True, now=visits.clock) == todo[1:]
    assert visits.visit(source) == IngestReport(unchanged=1)
    visits.now += DAY
    assert pending(visits.catalog, sources, revisit=True, now=visits.clock) == todo


def test_a_host_that_says_later_is_not_asked_before(visits, site):
    visits.now = datetime.now().replace(microsecond=0)
    site.has("/a.png", reply(b"", 429, Retry_After="7200"), reply(FIRST))
    source = web_source(site.url)
    report = visits.visit(source)
    assert (report.later, report.failed) == (1, 0)
    rest = waiting(visits.catalog, {source.name: source}, visits.clock)
    assert (rest.later, rest.retry_at, rest.given_up) == (1, report.retry_at, 0)
    asked = site.requests.count("/a.png")
    visits.now += timedelta(minutes=30)
    assert visits.visit(source) == IngestReport()
    assert site.requests.count("/a.png") == asked
    assert rest.retry_at is not None
    visits.now = rest.retry_at
    assert visits.visit(source).new == 1


def test_what_fails_in_too_many_runs_is_left_alone_until_a_person_asks(visits, site):
    site.has("/a.png", reply(b"", 500))
    source = web_source(site.url)
    for _run in range(MAX_FAILURES):
        assert visits.visit(source).failed == 1
    assert visits.visit(source) == IngestReport()
    rest = waiting(visits.catalog, {source.name: source}, visits.clock)
    assert (rest.later, rest.given_up) == (0, 1)
    site.has("/a.png", reply(FIRST))
    assert visits.visit(source, retry_rejected=True).new == 1
    assert visits.find().attempts == 0


def test_a_preview_lies_beside_the_original(visits):
    art = visits.workspace.root / "art"
    art.mkdir()
    body = png((1, 2, 3), (300, 200))
    (art / "a.png").write_bytes(body)
    visits.visit(folder_source("art"), preview_px=64)
    assert visits.store.read(preview_key(sha256_hex(body))).startswith(b"\xff\xd8")
