"""A crawl loses no page, reads none twice, and asks only for changes the next time."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.catalog.crawl import pages_by_state
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.tables import CrawlPage, Find, Rejection
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.crawl import ReadPage, crawl
from lowdiff.ingest.web import open_web
from lowdiff.workspace import Workspace
from tests.ingest.bad_server import BadServer, http, page, reset, serve_badly, with_etag
from tests.ingest.conftest import web_source

pytestmark = pytest.mark.integration

HTML = "Content-Type: text/html"


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serve_badly() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def any_catalog(request: pytest.FixtureRequest, workspace: Workspace) -> Iterator[Catalog]:
    url = request.getfixturevalue("new_postgres")() if request.param == "postgresql" else None
    opened = open_catalog(workspace, url)
    yield opened
    opened.close()


def links(*targets: object) -> str:
    return "".join(f'<a href="/{target}">to</a>' for target in targets)


def images(*names: object) -> str:
    return "".join(f'<img src="/{name}.png" alt="alt of {name}">' for name in names)


def read(server: BadServer, catalog: Catalog, **changes: Any) -> list[ReadPage]:
    source = web_source(server.url, **{"follow": ["."], "request_timeout_s": 3.0, **changes})
    with open_web(source, waits_s=()) as web:
        return list(crawl(source, web, catalog))


def offered(catalog: Catalog) -> dict[str, Find]:
    with catalog.read() as session:
        return {row.url.rpartition("/")[2]: row for row in session.scalars(select(Find))}


def states(catalog: Catalog) -> dict[str, int]:
    with catalog.read() as session:
        return pages_by_state(session, "site")


def refused(catalog: Catalog) -> dict[str, Rejection]:
    with catalog.read() as session:
        return {row.url.rpartition("/")[2]: row for row in session.scalars(select(Rejection))}


def tree(server: BadServer, pages: int) -> None:
    """A page for each number, with one image, leading to two more."""
    for number in range(pages):
        further = [one for one in (2 * number + 1, 2 * number + 2) if one < pages]
        server.does(f"/{number or ''}", page(links(*further, "") + images(f"i{number}")))


def test_every_page_is_read_once_and_offers_its_images(server, catalog):
    tree(server, 15)
    seen = read(server, catalog, concurrency=4)
    assert len(seen) == 15
    assert sorted(server.paths) == sorted(f"/{number or ''}" for number in range(15))
    assert set(offered(catalog)) == {f"i{number}.png" for number in range(15)}
    assert sum(one.new for one in seen) == 15
    assert states(catalog) == {"done": 15}


def test_depth_and_number_of_pages_are_limited(server, catalog):
    tree(server, 31)
    assert len(read(server, catalog, max_depth=2)) == 7
    assert len(read(server, catalog, name="few", max_pages=5)) == 5
    assert len(read(server, catalog, name="starts", max_depth=0)) == 1


def test_images_are_limited_over_the_whole_round(server, catalog):
    server.does("/", page(links(1, 2) + images("a", "b")))
    server.does("/1", page(images("c", "d")))
    server.does("/2", page(images("e")))
    read(server, catalog, max_images=3, concurrency=1)
    assert set(offered(catalog)) == {"a.png", "b.png", "c.png"}
    read(server, catalog, max_images=9)  # goes on with what is left
    assert "e.png" in offered(catalog)
    read(server, catalog, max_images=9)
    assert len(offered(catalog)) == 5


def test_the_next_round_asks_only_for_changes(server, catalog):
    first = (links(1, 2) + images("a")).encode()
    server.does("/", with_etag(first, '"1"', HTML))
    server.does("/1", with_etag(images("b").encode(), '"1"', HTML))
    server.does("/2", page(images("c")))
    read(server, catalog)
    server.does("/1", with_etag(images("b", "new").encode(), '"2"', HTML))
    again = {one.url.removeprefix(server.url): one for one in read(server, catalog)}
    assert {path for path, one in again.items() if one.unchanged} == {"/"}
    assert (again["/1"].found, again["/1"].new) == (2, 1)
    assert set(offered(catalog)) == {"a.png", "b.png", "c.png", "new.png"}
    assert states(catalog) == {"done": 3}


def test_other_rules_read_unchanged_pages_anew(server, catalog):
    server.does("/", with_etag((links(1) + images("a", "b")).encode(), '"1"', HTML))
    server.does("/1", with_etag(images("c").encode(), '"1"', HTML))
    read(server, catalog, follow=["nothing"], images=["/a"])
    assert set(offered(catalog)) == {"a.png"}
    read(server, catalog)
    assert set(offered(catalog)) == {"a.png", "b.png", "c.png"}
    assert len(read(server, catalog, follow=["nothing"])) == 1  # the other one is forgotten
    assert states(catalog) == {"done": 1}


def test_a_page_that_fails_stops_no_other_and_is_tried_by_the_next_run(server, catalog):
    server.does("/", page(links(1, 2, 3)))
    server.does("/1", http(b"", 500), page(images("a")))
    server.does("/2", page(images("b")))
    server.does("/3", http(b"", 410))
    failed = {one.url[-1]: one.failure.reason for one in read(server, catalog) if one.failure}
    assert failed == {"1": "http_500"}
    assert states(catalog) == {"done": 2, "failed": 1, "rejected": 1}
    assert refused(catalog)["3"].reason == "http_410"
    assert refused(catalog)["3"].evidence["status"] == 410
    assert [one.url for one in read(server, catalog)] == [f"{server.url}/1"]
    assert set(offered(catalog)) == {"a.png", "b.png"}


def test_a_page_whose_host_wants_a_rest_is_left_until_then(server, catalog):
    server.does("/", page(links(1)))
    server.does("/1", http(b"", 429, "Retry-After: 3600"))
    (_start, rests) = read(server, catalog)
    assert rests.failure is not None
    assert rests.failure.reason == "retry_later"
    assert read(server, catalog) == []
    with catalog.write() as session:
        row = session.scalars(select(CrawlPage).where(CrawlPage.depth == 1)).one()
        assert row.retry_at is not None
        assert row.retry_at > utc_now() + timedelta(minutes=50)
        row.retry_at = utc_now() - timedelta(seconds=1)
    server.does("/1", page(images("a")))
    assert [one.new for one in read(server, catalog)] == [1]


@pytest.mark.parametrize(
    ("deed", "kind"),
    [(http(b"", 404), InputError), (http(b"", 500), ServiceError), (reset(), ServiceError),
     (http(b"%PDF", 200, "Content-Type: application/pdf"), InputError)],
)  # fmt: skip
def test_a_start_page_that_fails_is_the_sources_error_and_goes_on_when_mended(
    server, catalog, deed, kind
):
    server.does("/", deed)
    with pytest.raises(kind):
        read(server, catalog)
    server.does("/", page(images("a")))
    assert [one.new for one in read(server, catalog)] == [1]
    assert refused(catalog) == {}


MARKED: dict[str, bytes] = {
    "noai": page('<meta name="robots" content="noai">' + links("next") + images("x")),
    "noimageai": page('<meta name="LowDiff" content="index, noimageai">' + images("x")),
    "tdm": page('<meta name="tdm-reservation" content="1">' + images("x")),
    "header": page(images("x"), "X-Robots-Tag: noindex"),
    "usage": page(images("x"), "Content-Usage: train-ai=n"),
}


@pytest.mark.parametrize("name", MARKED)
def test_a_marked_page_offers_no_images_and_its_links_are_followed(server, catalog, name):
    server.does("/", page(links("marked") + images("a")))
    server.does("/marked", MARKED[name])
    server.does("/next", page(images("b")))
    read(server, catalog)
    assert set(offered(catalog)) == {"a.png", *(["b.png"] if name == "noai" else [])}
    row = refused(catalog)["marked"]
    assert row.reason == "opted_out"
    assert row.evidence["optouts"]
    assert row.evidence["final_url"].endswith("/marked")
    read(server, catalog, name="ours", optouts_waived="we hold all rights")
    (waived,) = offered(catalog)["x.png"].hints["page_optouts"]
    assert waived["said"]
    server.does("/marked", page(images("x")))
    read(server, catalog)
    assert refused(catalog) == {}


def test_links_marked_nofollow_are_not_followed(server, catalog):
    server.does("/", page('<a rel="ugc nofollow" href="/1">x</a>' + links(2, 3)))
    server.does("/2", page("<meta name=robots content=nofollow>" + links(4)))
    server.does("/3", page(links(5), "X-Robots-Tag: nofollow"))
    read(server, catalog)
    assert sorted(server.paths) == ["/", "/2", "/3"]


def test_ten_crawlers_share_a_site_and_read_no_page_twice(server, any_catalog):
    catalog = any_catalog
    tree(server, 40)
    source = web_source(server.url, follow=["."], concurrency=2)
    seen: list[ReadPage] = []

    def work() -> None:
        with open_web(source, waits_s=()) as web:
            seen.extend(crawl(source, web, catalog))

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)  # the last ones would find a whole round, and begin another
    for thread in threads:
        thread.join()
    assert len(offered(catalog)) == 40
    rounds = {server.count(f"/{number or ''}") for number in range(40)}
    assert rounds == {len(seen) // 40}  # each round reads each page once
    assert states(catalog) == {"done": 40}


KILLED = """
import sys
from lowdiff.catalog import open_catalog
from lowdiff.ingest.crawl import crawl
from lowdiff.ingest.web import open_web
from lowdiff.workspace import Workspace
from tests.ingest.conftest import web_source
from pathlib import Path

source = web_source(sys.argv[1], follow=["."], concurrency=3)
with open_web(source, waits_s=()) as web:
    for one in crawl(source, web, open_catalog(Workspace(Path(sys.argv[2])))):
        print(one.url, flush=True)
"""


def test_a_crawl_that_is_killed_goes_on_with_the_pages_that_are_left(server, workspace, catalog):
    pages = 40
    tree(server, pages)
    told: list[str] = []
    for lines in (3, 1, 7):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, server.url, str(workspace.root)],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert child.stdout is not None
        told += [child.stdout.readline().strip() for _ in range(lines)]
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    assert len(set(told)) == 11  # none twice: told is written down
    rest = read(server, catalog, concurrency=3)
    assert not {one.url for one in rest} & set(told)
    assert set(offered(catalog)) == {f"i{number}.png" for number in range(pages)}
    assert states(catalog) == {"done": pages}
    assert len(server.paths) <= pages + 3 * 3  # per kill, what was under way is asked again
