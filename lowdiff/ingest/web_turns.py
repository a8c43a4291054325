"""Whose turn it is: requests to one host, spaced out, tried again, or left for later."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from aiohttp import ClientResponse

from lowdiff.catalog.engine import utc_now
from lowdiff.errors import ServiceError
from lowdiff.ingest.addresses import WebAddress
from lowdiff.ingest.source_kinds import AskingSource
from lowdiff.ingest.throttle import MAX_WAIT_S, TOO_MANY, Pace, RetryLater, rest_asked_s
from lowdiff.ingest.web_request import Head, Requests

TRANSIENT = (408, 425, 429)
DOWN = ("no_connection", "host_unknown", "bad_certificate", "retry_later")
"""Failures of a whole host: it is not asked again by this client."""
MAX_REST_S = 30 * 86400.0
"""Longer rests than a month are taken for a month."""

T = TypeVar("T")
Read = Callable[[Head, ClientResponse], Awaitable[T]]


@dataclass
class _Host:
    """How we get along with one scheme, host and port."""

    pace: Pace
    slots: asyncio.Semaphore
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_turn: float = 0.0
    down: ServiceError | None = None


class Turns:
    """Sends the requests of one source. Use it in one event loop."""

    def __init__(self, source: AskingSource, requests: Requests, waits_s: Sequence[float]) -> None:
        self._source = source
        self._requests = requests
        self._waits_s = waits_s
        self._hosts: dict[str, _Host] = {}

    def slow_down(self, url: WebAddress, delay_s: float) -> None:
        """Keep a delay that the host's robots.txt asks for."""
        self._host(url).pace.at_least(delay_s)

    async def ask(self, url: WebAddress, headers: Mapping[str, str], read: Read[T]) -> T:
        """Try a few times; a host that is down is not asked again.

        Args:
            read: makes the result of an answer that is no failure.

        Raises:
            InputError: of `read`, or the answer cannot be used.
            ServiceError: it failed each time, or its host is down.
        """
        host = self._host(url)
        for wait_s in (*self._waits_s, None):
            try:
                return await self._in_turn(host, url, headers, read)
            except ServiceError as error:
                if wait_s is None or isinstance(error, RetryLater):
                    if error.reason in DOWN:
                        host.down = error
                    raise
            await asyncio.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    async def _in_turn(
        self, host: _Host, url: WebAddress, headers: Mapping[str, str], read: Read[T]
    ) -> T:
        """One request, when the host's turn has come."""
        async with host.slots:
            async with host.turn:
                _check_up(host)
                start = time.monotonic()
                while (wait_s := host.next_turn - time.monotonic()) > 0:
                    start = host.next_turn  # as planned: sleeping a bit too long adds up
                    await asyncio.sleep(wait_s)
                host.next_turn = start + host.pace.delay_s
            _check_up(host)
            async with self._requests.open(url, headers) as (head, answer):
                host.pace.saw(head.latency_s, status=head.status)
                if head.status in TOO_MANY:  # the turn that was already given is too early now
                    host.next_turn = max(host.next_turn, time.monotonic() + host.pace.delay_s)
                if head.status in TRANSIENT or head.status >= 500:
                    raise _failed(host, url, head)
                return await read(head, answer)

    def _host(self, url: WebAddress) -> _Host:
        host = self._hosts.get(url.origin)
        if host is None:
            source = self._source
            pace = Pace(least_s=source.delay_s, concurrency=source.concurrency)
            host = _Host(pace, asyncio.Semaphore(source.concurrency))
            self._hosts[url.origin] = host
        return host


def _check_up(host: _Host) -> None:
    if host.down is not None:
        raise host.down.with_traceback(None)  # each raise would make it longer


def _failed(host: _Host, url: WebAddress, head: Head) -> ServiceError:
    """The error of an answer that may be another one later; the host gets the rest it asks for."""
    found = f"{head.status} {head.reason}".strip()
    asked, date = head.headers.get("Retry-After"), head.headers.get("Date")
    rest_s = rest_asked_s(asked, date=date, now=utc_now())
    if rest_s is not None and rest_s > MAX_WAIT_S:
        retry_at = utc_now() + timedelta(seconds=min(rest_s, MAX_REST_S))
        return RetryLater(url, found=f"{found}, Retry-After: {asked}", retry_at=retry_at)
    if rest_s is not None:
        host.next_turn = max(host.next_turn, time.monotonic() + rest_s)
    return ServiceError(url, "fails", reason=f"http_{head.status}", found=found, allowed="200 OK")
