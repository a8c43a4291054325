"""Every way in which a server misbehaves has its verdict, and the client goes on afterwards."""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from lowdiff.catalog.engine import utc_now
from lowdiff.errors import InputError, LowdiffError, ServiceError
from lowdiff.ingest.throttle import RetryLater
from lowdiff.ingest.web import Answer, open_web
from tests.ingest.bad_server import (
    BadServer,
    Deed,
    drip,
    flood,
    gzipped,
    http,
    raw,
    redirect,
    reset,
    serve_badly,
    stall,
    with_etag,
)
from tests.ingest.conftest import web_source

pytestmark = pytest.mark.integration

OPEN = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serve_badly() as running:
        running.does("/good", http(b"good"))
        yield running


def ask(server: BadServer, path: str, **changes: Any) -> Answer:
    values = {"request_timeout_s": 1.5, "concurrency": 1, **changes}
    with open_web(web_source(server.url, **values), waits_s=(0.02,)) as web:
        return web.get(server.url + path, max_bytes=100_000)


BROKEN: dict[str, tuple[Deed, type[LowdiffError], str]] = {
    "a redirect to itself": (redirect("/bad"), InputError, "too_many_redirects"),
    "a redirect to a file": (redirect("file:///etc/passwd"), InputError, "bad_url"),
    "a redirect to another host": (
        redirect("http://other.example/"),
        InputError,
        "host_not_allowed",
    ),
    "a redirect to a number": (redirect("http://2130706433/"), InputError, "bad_url"),
    "a redirect with a password": (redirect("http://a:b@127.0.0.1/"), InputError, "bad_url"),
    "a redirect to nonsense": (redirect("http://[::1"), InputError, "bad_url"),
    "a redirect to nowhere": (http(b"", 302), InputError, "http_302"),
    "a drip of a body": (drip(LONG), ServiceError, "too_slow"),
    "a drip of headers": (drip(b"HTTP/1.1 200 OK\r\nX-A: "), ServiceError, "too_slow"),
    "one 'continue' after another": (
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ServiceError,
        "too_slow",
    ),
    "a body that stalls": (stall(LONG + b"some"), ServiceError, "stalled"),
    "no answer at all": (stall(b""), ServiceError, "stalled"),
    "a body without end": (flood(OPEN), InputError, "too_big"),
    "chunks without end": (flood(CHUNKED, b"2710\r\n" + bytes(10_000) + b"\r\n"), InputError,
                           "too_big"),
    "a body that says it is too big": (http(bytes(100_001)), InputError, "too_big"),
    "a body shorter than it says": (raw(LONG + b"short"), ServiceError, "broken_connection"),
    "chunks that break off": (raw(CHUNKED + b"5\r\nhel"), ServiceError, "broken_connection"),
    "chunks that are none": (raw(CHUNKED + b"zz\r\nhel"), InputError, "bad_answer"),
    "a length that is none": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx"), InputError,
                              "bad_answer"),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), InputError, "bad_answer"),
    "a status that is no number": (raw(b"HTTP/1.1 abc OK\r\n\r\n"), InputError, "bad_answer"),
    "a header without end": (flood(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 4096), InputError,
                             "bad_answer"),
    "headers without end": (flood(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 500), InputError,
                            "bad_answer"),
    "a reset before the answer": (reset(), ServiceError, "broken_connection"),
    "a reset in the body": (reset(LONG + b"some"), ServiceError, "broken_connection"),
    "a connection that ends at once": (raw(b""), ServiceError, "broken_connection"),
    "a gzip bomb": (gzipped(bytes(20_000_000)), InputError, "too_big"),
    "gzip that is none": (http(b"plain", 200, "Content-Encoding: gzip"), InputError,
                          "bad_answer"),
    "gzip without its end": (http(gzip.compress(b"a" * 99)[:-9], 200, "Content-Encoding: gzip"),
                             InputError, "bad_answer"),
    "another compression": (http(b"x", 200, "Content-Encoding: br"), InputError,
                            "bad_encoding"),
    "unchanged, unasked": (http(b"", 304), InputError, "http_304"),
    "another good status": (http(b"", 206), InputError, "http_206"),
    "too many requests": (http(b"", 429), ServiceError, "http_429"),
    "out of service": (http(b"", 503), ServiceError, "http_503"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_each_misdeed_has_its_verdict_and_the_client_goes_on(server, name):
    deed, kind, reason = BROKEN[name]
    server.does("/bad", deed)
    source = web_source(server.url, request_timeout_s=1.5, concurrency=1)
    with open_web(source, waits_s=(0.02,)) as web:
        with pytest.raises(kind) as error:
            web.get(f"{server.url}/bad", max_bytes=100_000)
        assert error.value.reason == reason
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 1500
        assert web.get(f"{server.url}/good", max_bytes=100).body == b"good"
    if isinstance(error.value, InputError):
        assert {"asked_at", "robots", "tdmrep"} <= set(error.value.evidence)


def test_five_redirects_are_followed_and_six_are_not(server):
    for number in range(6):
        server.does(f"/{number}", redirect(f"/{number + 1}"))
    server.does("/6", http(b"end"))
    answer = ask(server, "/1")
    assert (answer.body, answer.url) == (b"end", f"{server.url}/6")
    assert answer.evidence["redirects"] == [f"{server.url}/{number}" for number in range(1, 6)]
    with pytest.raises(InputError) as error:
        ask(server, "/0")
    assert error.value.reason == "too_many_redirects"


def test_robots_txt_counts_after_a_redirect(server):
    server.does("/robots.txt", http(b"User-agent: *\nDisallow: /no\n"))
    server.does("/a", redirect("/no"))
    server.does("/no", http(b"secret"))
    with pytest.raises(InputError) as error:
        ask(server, "/a")
    assert error.value.reason == "robots_disallow"
    assert error.value.evidence["robots"]["verdict"] == "disallowed"
    assert error.value.evidence["redirects"] == [f"{server.url}/a"]
    assert "/no" not in server.paths


def test_a_redirect_to_the_credentials_of_a_cloud_machine_is_refused_even_in_own_networks(server):
    server.does("/a", redirect("http://169.254.169.254/latest/meta-data/"))
    with pytest.raises(InputError) as error:
        ask(server, "/a", allowed_hosts=["127.0.0.1", "169.254.169.254"])
    assert error.value.reason == "private_address"


def test_bytes_after_the_announced_end_do_not_become_the_next_answer(server):
    lies = http(b"12345") + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    server.does("/lies", lies)
    with open_web(web_source(server.url, concurrency=1), waits_s=(0.02,)) as web:
        assert web.get(f"{server.url}/lies", max_bytes=100).body == b"12345"
        for _ in range(3):
            assert web.get(f"{server.url}/good", max_bytes=100).body == b"good"


def test_a_wrong_content_type_is_told_and_the_bytes_come_as_they_are(server):
    server.does("/a", http(b"\x89PNG", 200, "Content-Type: text/html"))
    answer = ask(server, "/a")
    assert (answer.body, answer.evidence["content_type"]) == (b"\x89PNG", "text/html")


def test_a_compressed_answer_within_the_cap_is_decoded(server):
    server.does("/a", gzipped(b"<svg/>" * 100))
    assert ask(server, "/a").body == b"<svg/>" * 100
    assert server.requests[-1].headers["accept-encoding"] == "identity"


def test_an_address_is_sent_exactly_as_written(server):
    for path in ("/a%2Fb/%c3%bc?x=%20+&y=[1]|2", "/a//b/../c;d=e?", "/%41'()"):
        server.does(path, http(b"here"))
        server.does(path.removesuffix("?"), http(b"here"))
        assert ask(server, path).body == b"here"
    server.does("/b%C3%A4r%20x", http(b"bear"))
    assert ask(server, "/bär x").body == b"bear"


def test_a_short_rest_is_waited_for_and_a_long_one_is_left_to_the_next_run(server):
    server.does("/a", http(b"", 429, "Retry-After: 0"), http(b"fine"))
    assert ask(server, "/a").body == b"fine"
    for asked in ("3600", format_datetime(utc_now() + timedelta(hours=1)) + " GMT"):
        server.does("/later", http(b"", 503, f"Retry-After: {asked}"), http(b"too early"))
        with open_web(web_source(server.url), waits_s=(0.02,)) as web:
            for path in ("/later", "/good", "/later"):
                with pytest.raises(RetryLater) as error:
                    web.get(server.url + path, max_bytes=100)
                left = error.value.retry_at - utc_now()
                assert timedelta(minutes=50) < left < timedelta(minutes=70)
    assert server.paths.count("/later") == 2
    assert "/good" not in server.paths


def test_an_unchanged_answer_has_no_body_and_a_changed_one_has(server):
    from lowdiff.ingest.offered import Known

    server.does("/a", with_etag(b"new", '"2"'))
    with open_web(web_source(server.url), waits_s=()) as web:
        url = f"{server.url}/a"
        unchanged = web.get(url, max_bytes=100, known=Known(etag='"2"'))
        assert (unchanged.unchanged, unchanged.body) == (True, b"")
        changed = web.get(url, max_bytes=100, known=Known(etag='"1"'))
        assert (changed.unchanged, changed.body) == (False, b"new")
        web.get(url, max_bytes=100, known=Known(last_modified="Sat, 01 Jan 2022 00:00:00 GMT"))
    assert server.requests[-1].headers["if-modified-since"].startswith("Sat")
    assert "if-none-match" not in server.requests[-1].headers


def test_the_answer_proves_what_was_asked_and_when(server):
    server.does("/robots.txt", http(b"User-agent: *\nAllow: /\n"))
    evidence = ask(server, "/good").evidence
    assert evidence["final_url"] == f"{server.url}/good"
    assert (evidence["status"], evidence["peer"]) == (200, "127.0.0.1")
    assert evidence["robots"]["verdict"] == "allowed"
    assert len(evidence["robots"]["digest"]) == 64
    assert (evidence["robots"]["status"], evidence["tdmrep"]["status"]) == (200, 404)
