import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.errors import InputError, LowdiffError
from lowdiff.ingest.addresses import check_literal, check_peer, parse_address, redirected
from lowdiff.ingest.web import open_web
from tests.ingest.bad_server import http, serve_badly
from tests.ingest.conftest import web_source

PUBLIC = ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
OWN = ["127.0.0.1", "127.8.8.8", "::1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "fd00::1",
       "::ffff:127.0.0.1"]  # fmt: skip
NEVER = [
    "0.0.0.0", "::", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "fe80::1%eth0", "ff02::1", "ff0e::1", "fec0::1", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:a9fe:a9fe::", "::a9fe:a9fe", "198.18.0.1",
    "192.0.2.1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", OWN + NEVER)
def test_addresses_that_are_not_public_are_refused(address):
    with pytest.raises(InputError) as error:
        check_peer(address, item="x")
    assert error.value.reason == "private_address"


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_asked(address):
    check_peer(address, item="x")


def test_own_networks_can_be_allowed_and_nothing_more():
    for address in OWN:
        check_peer(address, item="x", allow_loopback=True)
    for address in NEVER:
        with pytest.raises(InputError):
            check_peer(address, item="x", allow_loopback=True)


@pytest.mark.parametrize("embedded", ["64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1"])
def test_a_private_address_inside_another_is_found(embedded):
    with pytest.raises(InputError):
        check_peer(embedded, item="x")


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.", "1.2.3.04"]
)
def test_an_ip_address_in_disguise_is_no_host(host):
    with pytest.raises(InputError) as error:
        parse_address(f"http://{host}/")
    assert error.value.reason == "bad_url"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "[fe80::1]"])
def test_a_literal_is_checked_like_a_looked_up_one(host):
    with pytest.raises(InputError) as error:
        check_literal(parse_address(f"http://{host}/"), allow_loopback=False)
    assert error.value.reason == "private_address"


def test_https_never_leads_to_http():
    page = parse_address("https://a.example/x/y")
    assert redirected(page, "../z").text == "https://a.example/z"
    assert redirected(parse_address("http://a.example/"), "https://a.example/").scheme == "https"
    with pytest.raises(InputError) as error:
        redirected(page, "http://a.example/z")
    assert error.value.reason == "insecure_redirect"


def test_an_origin_has_a_port_only_where_it_is_unusual():
    assert parse_address("HTTP://A.example:80/b").origin == "http://a.example"
    assert parse_address("https://a.example:80/b").origin == "https://a.example:80"
    assert parse_address("http://[::1]:8080/").origin == "http://[::1]:8080"


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_an_address_or_a_refusal(host, path):
    try:
        found = parse_address(f"http://{host}/{path}")
    except InputError:
        return
    assert found.text.isascii()
    assert found.text.isprintable()
    assert " " not in found.text


class Lookup:
    """Answers of a name server, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        await asyncio.sleep(0)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


UNROUTED = "2d00::1"
"""Counts as public, but nobody has it."""


@pytest.mark.integration
def test_a_name_that_becomes_private_later_is_never_connected_to():
    with serve_badly() as server:
        server.does("/a", http(b"secret"))
        port = server.url.rpartition(":")[2]
        lookup = Lookup([UNROUTED], ["127.0.0.1"])
        source = web_source(
            f"http://rebind.example:{port}", allow_loopback=False, request_timeout_s=1.0
        )
        with (
            open_web(source, waits_s=(0.01, 0.01), lookup=lookup) as web,
            pytest.raises(LowdiffError) as error,
        ):
            web.get(f"http://rebind.example:{port}/a", max_bytes=100)
        assert error.value.reason == "private_address"
        assert lookup.asked == 2  # once for each connection, not once more between
        assert server.requests == []


@pytest.mark.integration
def test_the_connection_goes_to_the_address_that_was_checked():
    with serve_badly() as server:
        server.does("/a", http(b"here"))
        port = server.url.rpartition(":")[2]
        lookup = Lookup(["127.0.0.1"])
        with open_web(web_source(f"http://name.example:{port}"), lookup=lookup) as web:
            answer = web.get(f"http://name.example:{port}/a", max_bytes=100)
        assert answer.body == b"here"
        assert answer.evidence["peer"] == "127.0.0.1"
        assert server.requests[-1].headers["host"] == f"name.example:{port}"


@pytest.mark.integration
@pytest.mark.parametrize("mixed", [["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"]])
def test_a_name_with_one_private_address_is_refused(mixed):
    source = web_source("http://mixed.example", allow_loopback=False)
    with (
        open_web(source, waits_s=(), lookup=Lookup(mixed)) as web,
        pytest.raises(InputError) as error,
    ):
        web.get("http://mixed.example/a", max_bytes=100)
    assert error.value.reason == "private_address"


@pytest.mark.integration
@pytest.mark.parametrize("host", ["....", "a" * 70 + ".example"])
def test_a_name_that_nobody_can_have_is_a_verdict(host):
    source = web_source(f"http://{host}", allowed_hosts=[host])
    with open_web(source, waits_s=()) as web, pytest.raises(LowdiffError) as error:
        web.get(f"http://{host}/a", max_bytes=100)
    assert error.value.reason in ("bad_url", "host_unknown", "no_connection")
