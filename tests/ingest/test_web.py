import time

import pytest

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.addresses import check_peer, check_url
from lowdiff.ingest.robots import parse_rules
from lowdiff.ingest.web import open_web
from tests.ingest.conftest import Site, reply, web_source

WAITS_S = (0.05, 0.1)

pytestmark = pytest.mark.integration


def get(site: Site, path: str, *, max_bytes: float = 1e6, **changes: object) -> bytes:
    with open_web(web_source(site.url, **changes), waits_s=WAITS_S) as web:
        return web.get(site.url + path, max_bytes=max_bytes).body


def reason_of(error: type[Exception], site: Site, path: str, **changes: object) -> str:
    with pytest.raises(error) as raised:
        get(site, path, **changes)
    assert site.url in str(raised.value) or "/" in str(raised.value)
    return raised.value.reason


def test_a_file_comes_byte_for_byte_and_we_say_who_we_are(site):
    site.has("/a", reply(b"\x00\xff" * 100))
    assert get(site, "/a") == b"\x00\xff" * 100
    assert site.requests == ["/robots.txt", "/.well-known/tdmrep.json", "/a"]
    assert all("lowdiff/" in agent and "me@example.org" in agent for agent in site.agents)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 204])
def test_an_answer_for_good_is_a_refusal(site, status):
    site.has("/a", reply(b"", status))
    assert reason_of(InputError, site, "/a") == f"http_{status}"
    assert site.requests.count("/a") == 1


@pytest.mark.parametrize("status", [500, 502, 429, 408])
def test_a_failure_is_tried_again_and_then_works(site, status):
    site.has("/a", reply(b"", status), reply(b"fine"))
    assert get(site, "/a") == b"fine"


def test_a_server_that_keeps_failing_is_a_service_error(site):
    site.has("/a", reply(b"", 500))
    assert reason_of(ServiceError, site, "/a") == "http_500"
    assert site.requests.count("/a") == 1 + len(WAITS_S)


def test_retry_after_is_honoured(site):
    site.has("/a", reply(b"", 503, Retry_After="1"), reply(b"fine"))
    started = time.monotonic()
    assert get(site, "/a") == b"fine"
    assert time.monotonic() - started >= 0.9


def test_redirects_are_followed_and_bounded(site):
    site.has("/a", reply(b"", 302, Location="/b"))
    site.has("/b", reply(b"", 301, Location=f"{site.url}/c"))
    site.has("/c", reply(b"end"))
    site.has("/loop", reply(b"", 302, Location="/loop"))
    assert get(site, "/a") == b"end"
    assert reason_of(InputError, site, "/loop") == "too_many_redirects"


@pytest.mark.parametrize(
    "target", ["http://example.com/", "file:///etc/passwd", "ftp://127.0.0.1/"]
)
def test_a_redirect_cannot_leave_the_allowed_hosts(site, target):
    site.has("/a", reply(b"", 302, Location=target))
    assert reason_of(InputError, site, "/a") in ("host_not_allowed", "bad_url")


def test_a_huge_body_is_cut_off_whether_it_is_announced_or_not(site):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        for _ in range(1000):
            handler.wfile.write(bytes(100_000))

    site.has("/announced", reply(bytes(200_000)))
    site.has("/endless", endless)
    for path in ("/announced", "/endless"):
        assert reason_of(InputError, site, path, max_bytes=1e5) == "too_big"


@pytest.mark.parametrize("slow_part", ["head", "body"])
def test_a_slow_answer_ends_at_the_deadline(site, slow_part):

    def drip(handler):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"\r\n" * (slow_part == "body"))
        for _ in range(60):
            handler.wfile.write(b"X")
            handler.wfile.flush()
            time.sleep(0.05)

    site.has("/a", drip)
    started = time.monotonic()
    assert reason_of(ServiceError, site, "/a", request_timeout_s=0.5) in (
        "too_slow",
        "broken_connection",
    )
    assert time.monotonic() - started < 3


def test_a_connection_that_breaks_is_a_service_error(site):
    def breaks(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"only this")
        handler.close_connection = True

    site.has("/a", breaks)
    assert reason_of(ServiceError, site, "/a") == "broken_connection"


def test_a_server_that_is_down_is_asked_once_and_then_left_alone():
    source = web_source("http://127.0.0.1:9")
    with open_web(source, waits_s=WAITS_S) as web:
        for _ in range(2):
            with pytest.raises(ServiceError) as error:
                web.get("http://127.0.0.1:9/a", max_bytes=1)
            assert error.value.reason == "no_connection"
        started = time.monotonic()
        with pytest.raises(ServiceError):
            web.get("http://127.0.0.1:9/b", max_bytes=1)
        assert time.monotonic() - started < 0.3


def test_loopback_is_refused_unless_the_source_allows_it(site):
    site.has("/a", reply(b"secret"))
    assert reason_of(InputError, site, "/a", allow_loopback=False) == "private_address"
    assert site.requests == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::ffff:127.0.0.1",
     "fe80::1%eth0", "0.0.0.0", "100.64.0.1", "224.0.0.1"],
)  # fmt: skip
def test_private_addresses_are_known(address):
    with pytest.raises(InputError):
        check_peer(address, item="x")
    check_peer("93.184.216.34", item="x")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1/", "//x", "", "http://"])
def test_only_web_addresses_of_the_source_are_fetched(url):
    with pytest.raises(InputError):
        check_url(url, web_source("http://127.0.0.1:1"))


def test_robots_txt_is_obeyed(site):
    rules = b"User-agent: *\nDisallow: /private/\nUser-agent: other\nDisallow: /\n"
    site.has("/robots.txt", reply(rules))
    site.has("/private/a", reply(b"no"))
    site.has("/open", reply(b"yes"))
    assert get(site, "/open") == b"yes"
    assert reason_of(InputError, site, "/private/a") == "robots_disallow"
    assert "/private/a" not in site.requests


def test_a_site_that_cannot_say_means_no_for_now(site):
    site.has("/robots.txt", reply(b"", 503))
    site.has("/a", reply(b"x"))
    assert reason_of(ServiceError, site, "/a") == "http_503"
    assert "/a" not in site.requests


def test_the_delay_between_requests_is_kept(site):
    for path in ("/a", "/b", "/c"):
        site.has(path, reply(b"x"))
    with open_web(web_source(site.url, delay_s=0.2)) as web:
        started = time.monotonic()
        for path in ("/a", "/b", "/c"):
            web.get(site.url + path, max_bytes=10)
        assert time.monotonic() - started >= 0.6  # after robots.txt, too


def test_a_crawl_delay_counts_and_an_absurd_one_is_refused():
    assert parse_rules("User-agent: *\nCrawl-delay: 7\n").delay_s == 7
    with pytest.raises(InputError, match="very long delay"):
        parse_rules("User-agent: *\nCrawl-delay: 86400\n").check("http://a/b")
    parse_rules("\x00 nonsense").check("http://a/b")
