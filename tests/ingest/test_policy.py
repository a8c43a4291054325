"""What sites say of themselves is asked once a day, kept as evidence, and obeyed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.policies import PolicyAnswers
from lowdiff.catalog.tables import PolicyAnswer
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.throttle import RetryLater
from lowdiff.ingest.web import Answer, open_web
from tests.ingest.bad_server import (
    BadServer,
    Deed,
    flood,
    gzipped,
    http,
    raw,
    redirect,
    reset,
    serve_badly,
    with_etag,
)
from tests.ingest.conftest import web_source

pytestmark = pytest.mark.integration

ROBOTS, TDMREP = "/robots.txt", "/.well-known/tdmrep.json"
NO = b"User-agent: *\nDisallow: /\n"


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serve_badly() as running:
        running.does("/a", http(b"image"))
        yield running


def ask(server: BadServer, answers: PolicyAnswers | None = None, **changes: Any) -> Answer:
    source = web_source(server.url, **{"request_timeout_s": 1.5, **changes})
    with open_web(source, waits_s=(0.02,), answers=answers) as web:
        return web.get(f"{server.url}/a", max_bytes=1e6)


def refusal(server: BadServer, **changes: Any) -> InputError:
    with pytest.raises(InputError) as error:
        ask(server, **changes)
    return error.value


ALLOWS: dict[str, Deed] = {
    "no file": http(b"", 404),
    "a forbidden file": http(b"", 403),
    "a gone file": http(b"", 410),
    "an empty file": http(b""),
    "binary nonsense": http(bytes(range(256)) * 10),
    "rules for others": http(b"User-agent: other\nDisallow: /\n"),
    "a group of our own": http(NO + b"User-agent: LowDiff\nAllow: /\n"),
    "a longer allow": http(b"User-agent: *\nDisallow: /\nAllow: /a\n"),
    "a redirect without end": redirect(ROBOTS),
}


@pytest.mark.parametrize("name", ALLOWS)
def test_robots_txt_that_allows_us(server, name):
    server.does(ROBOTS, ALLOWS[name])
    assert ask(server).body == b"image"


DISALLOWS: dict[str, Deed] = {
    "all": http(NO),
    "in a huge file": http(NO + b"# talk\n" * 500_000),
    "in a file without end": flood(b"HTTP/1.1 200 OK\r\n\r\n" + NO, b"# talk\n" * 1000),
    "compressed": gzipped(NO),
    "for us": http(b"User-agent: *\nAllow: /\nUser-agent: lowdiff\nDisallow: /a\n"),
    "with a byte order mark": http(b"\xef\xbb\xbf" + NO),
    "with a wildcard": http(b"User-agent: *\nDisallow: /*a$\n"),
}


@pytest.mark.parametrize("name", DISALLOWS)
def test_robots_txt_that_does_not(server, name):
    server.does(ROBOTS, DISALLOWS[name])
    error = refusal(server)
    assert error.reason == "robots_disallow"
    assert error.evidence["robots"]["verdict"] == "disallowed"
    assert "/a" not in server.paths


@pytest.mark.parametrize("path", [ROBOTS, TDMREP])
@pytest.mark.parametrize(
    "deed", [http(b"", 500), http(b"", 503), reset(), raw(b"SMTP\r\n\r\n"), redirect("ftp://x/")]
)
def test_a_site_that_cannot_say_means_no_for_now_and_is_asked_once(server, path, deed):
    server.does(path, deed)
    asked = []
    with open_web(web_source(server.url), waits_s=()) as web:
        for _ in range(2):
            with pytest.raises(ServiceError):
                web.get(f"{server.url}/a", max_bytes=100)
            asked.append(server.count(path))
    assert "/a" not in server.paths
    assert asked[0] == asked[1]


def test_robots_txt_is_followed_to_another_host_and_five_times(server):
    with serve_badly() as other:
        for number in range(1, 5):
            server.does(f"/r{number}", redirect(f"/r{number + 1}"))
        server.does(ROBOTS, redirect("/r2"))
        server.does("/r5", redirect(f"{other.url.replace('127.0.0.1', 'localhost')}/rules"))
        other.does("/rules", http(NO))
        assert refusal(server).reason == "robots_disallow"


def test_a_long_rest_asked_for_by_robots_txt_is_told(server):
    server.does(ROBOTS, http(b"", 503, "Retry-After: 7200"))
    with pytest.raises(RetryLater):
        ask(server)


def test_a_crawl_delay_that_no_run_can_keep_is_a_refusal(server):
    server.does(ROBOTS, http(b"User-agent: *\nCrawl-delay: 3600\n"))
    assert refusal(server).reason == "robots_delay"


MARKS: dict[str, tuple[str, Deed, str]] = {
    "a header": ("/a", http(b"x", 200, "X-Robots-Tag: noai"), "x-robots-tag"),
    "a second header": (
        "/a",
        http(b"x", 200, "X-Robots-Tag: otherbot: none", "X-Robots-Tag: lowdiff: noimageai"),
        "x-robots-tag",
    ),
    "the header of TDM": ("/a", http(b"x", 200, "TDM-Reservation: 1"), "tdm-reservation"),
    "the header of use": ("/a", http(b"x", 200, "Content-Usage: train-ai=n"), "content-usage"),
    "a redirect's header": (
        "/a",
        http(b"", 302, "Location: /b", "X-Robots-Tag: noai"),
        "x-robots-tag",
    ),
    "tdmrep.json": (TDMREP, http(b'[{"location": "/", "tdm-reservation": 1}]'), "tdmrep"),
    "use in robots.txt": (
        ROBOTS,
        http(b"User-agent: *\nAllow: /\nContent-Usage: train-ai=n\n"),
        "content-usage",
    ),
}


@pytest.mark.parametrize("name", MARKS)
def test_an_image_with_a_mark_is_refused_with_evidence_and_kept_with_it_where_waived(server, name):
    path, deed, kind = MARKS[name]
    server.does("/b", http(b"behind the redirect"))
    server.does(path, deed)
    error = refusal(server)
    assert error.reason == "opted_out"
    assert [mark["kind"] for mark in error.evidence["optouts"]] == [kind]
    assert {"asked_at", "robots", "tdmrep"} <= set(error.evidence)
    answer = ask(server, optouts_waived="we hold all rights")
    assert [mark["kind"] for mark in answer.evidence["optouts"]] == [kind]
    assert answer.evidence["optouts_waived"] == "we hold all rights"


def test_a_mark_in_the_sites_rules_spares_the_request(server):
    server.does(TDMREP, http(b'[{"location": "/a", "tdm-reservation": 1}]'))
    refusal(server)
    assert server.paths == []


def test_a_mark_that_comes_with_unchanged_counts(server):
    from lowdiff.ingest.offered import Known

    server.does("/a", with_etag(b"x", '"1"', "X-Robots-Tag: noai"))
    with (
        open_web(web_source(server.url), waits_s=()) as web,
        pytest.raises(InputError, match="marked against"),
    ):
        web.get(f"{server.url}/a", max_bytes=100, known=Known('"1"'))


def test_marks_for_others_change_nothing(server):
    server.does("/a", http(b"fine", 200, "X-Robots-Tag: otherbot: noai", "TDM-Reservation: 0"))
    server.does(TDMREP, http(b"<html>no such page</html>"))
    answer = ask(server)
    assert answer.body == b"fine"
    assert "optouts" not in answer.evidence
    assert answer.evidence["x_robots_tag"] == "otherbot: noai"


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 2, 3, 4, 5)

    def __call__(self) -> datetime:
        return self.time


def kept(catalog: Catalog) -> dict[tuple[str, str], PolicyAnswer]:
    with catalog.read() as session:
        return {(row.url, row.digest): row for row in session.scalars(select(PolicyAnswer))}


def test_other_runs_use_the_answers_for_a_day_and_evidence_points_to_them(server, catalog):
    clock = Clock()
    answers = PolicyAnswers(catalog, clock)
    server.does(ROBOTS, http(b"User-agent: *\nAllow: /\n"))
    first = ask(server, answers)
    clock.time += timedelta(hours=23)
    assert ask(server, answers).body == b"image"
    assert (server.count(ROBOTS), server.count(TDMREP)) == (1, 1)
    robots = first.evidence["robots"]
    assert kept(catalog)[robots["url"], robots["digest"]].body == "User-agent: *\nAllow: /\n"
    clock.time += timedelta(hours=2)
    server.does(ROBOTS, http(NO))
    with pytest.raises(InputError):
        ask(server, answers)
    assert server.count(ROBOTS) == 2
    clock.time += timedelta(days=2)
    server.does(ROBOTS, http(b"User-agent: *\nAllow: /\n"))  # as it was at first
    assert ask(server, answers).evidence["robots"] == robots
    assert len(kept(catalog)) == 3


def test_no_answer_is_kept_as_evidence_and_asked_for_again_by_the_next_run(server, catalog):
    answers = PolicyAnswers(catalog)
    server.does(ROBOTS, http(b"", 500), http(b"", 500), http(b"", 404))
    with pytest.raises(ServiceError):
        ask(server, answers)
    ((row),) = kept(catalog).values()
    assert row.status == 0
    assert "500" in row.body
    assert ask(server, answers).body == b"image"
