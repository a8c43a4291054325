"""Fetch from the web: politely, within limits, and with every failure told apart."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from lowdiff import __version__
from lowdiff.errors import InputError, LowdiffError, ServiceError
from lowdiff.ingest.addresses import check_host, check_peer, check_url
from lowdiff.ingest.robots import AGENT, MAX_BYTES, Rules, parse_rules
from lowdiff.ingest.source_kinds import AskingSource

MAX_REDIRECTS = 5
WAITS_S = (0.5, 2.0)
"""Before the second and the third try of one request."""
MAX_RETRY_AFTER_S = 30.0

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A complete answer with status 200."""

    url: str
    """The final address, after redirects."""
    body: bytes
    headers: httpx.Headers


class Web:
    """One source's client. Its methods block and may be called from several threads."""

    def __init__(self, source: AskingSource, waits_s: Sequence[float] = WAITS_S) -> None:
        self.source = source
        self._waits_s = waits_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._client = httpx.AsyncClient(
            headers={
                "User-Agent": f"{AGENT}/{__version__} (+{source.contact})",
                "Accept-Encoding": "identity",
            },
            timeout=source.request_timeout_s,
            follow_redirects=False,
            trust_env=False,  # behind a proxy nobody could tell where a request ends up
        )
        self._slots = asyncio.Semaphore(source.concurrency)
        self._host_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._robots_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._next_turn: dict[str, float] = {}
        self._rules: dict[str, Rules | ServiceError] = {}
        self._down: dict[str, ServiceError] = {}
        self._thread.start()

    def get(self, url: str, *, max_bytes: float) -> Answer:
        """Fetch one address with what robots.txt, redirects and limits say.

        Raises:
            InputError: it is refused, by us or by the site, for good.
            ServiceError: the site failed (5xx, 429, no answer, too slow); it may work later.
        """
        return self._wait_for(self._get(url, max_bytes))

    def close(self) -> None:
        """End all connections."""
        self._wait_for(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _get(self, text: str, max_bytes: float) -> Answer:
        found = text
        for _redirect in range(MAX_REDIRECTS + 1):
            url = check_url(found, self.source)
            rules = await self._rules_of(url)
            rules.check(str(url))
            answer = await self._patiently(url, max_bytes, rules.delay_s)
            if isinstance(answer, Answer):
                return answer
            found = answer
        raise InputError(
            text,
            "redirects again and again",
            reason="too_many_redirects",
            found=f"more than {MAX_REDIRECTS}, the last one to {found}",
            allowed=MAX_REDIRECTS,
        )

    async def _patiently(self, url: httpx.URL, max_bytes: float, delay_s: float) -> Answer | str:
        """Try a few times; a host that cannot be reached is not asked again."""
        for wait_s in (*self._waits_s, None):
            if url.netloc.decode() in self._down:
                raise self._down[url.netloc.decode()]
            try:
                return await self._in_turn(url, max_bytes, delay_s)
            except ServiceError as error:
                if wait_s is None:
                    if error.reason == "no_connection":
                        self._down[url.netloc.decode()] = error
                    raise
            await asyncio.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    async def _in_turn(self, url: httpx.URL, max_bytes: float, delay_s: float) -> Answer | str:
        """One request, when the host's turn has come."""
        host = url.netloc.decode()
        async with self._slots:
            async with self._host_locks[host]:
                wait_s = self._next_turn.get(host, 0.0) - time.monotonic()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                pause_s = max(delay_s, self.source.delay_s)
                self._next_turn[host] = time.monotonic() + pause_s
            return await self._once(url, max_bytes)

    async def _once(self, url: httpx.URL, max_bytes: float) -> Answer | str:
        """The answer, or the address to which it redirects."""
        try:
            async with asyncio.timeout(self.source.request_timeout_s):
                await check_host(url, self.source)
                async with self._client.stream("GET", url) as response:
                    self._check_peer(response)
                    if response.is_redirect:
                        return str(url.join(response.headers["location"]))
                    self._check_status(response)
                    return Answer(str(url), await _read(response, max_bytes), response.headers)
        except TimeoutError as error:
            raise ServiceError(
                url,
                "does not answer in time",
                reason="too_slow",
                allowed=f"{self.source.request_timeout_s:g} s",
                do="Run the command again later, or raise request_timeout_s of its source.",
            ) from error
        except (httpx.DecodingError, httpx.InvalidURL) as error:
            raise InputError(url, f"answers nonsense ({error})", reason="bad_answer") from error
        except httpx.ConnectError as error:
            raise ServiceError(
                url,
                f"cannot be reached ({error})",
                reason="no_connection",
                do="Is the server up? The same command goes on where it stopped.",
            ) from error
        except httpx.TransportError as error:
            cause = str(error) or type(error).__name__
            raise ServiceError(url, f"broke off ({cause})", reason="broken_connection") from error

    def _check_peer(self, response: httpx.Response) -> None:
        """The name may have changed its address since we looked it up."""
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        if peer and not self.source.allow_loopback:
            check_peer(str(peer[0]), item=str(response.url))

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == httpx.codes.OK:
            return
        found = f"{status} {response.reason_phrase}".strip()
        if status in (408, 425, 429) or status >= 500:
            self._keep_away(response)
            raise ServiceError(
                response.url, "fails", reason=f"http_{status}", found=found, allowed="200 OK"
            )
        raise InputError(
            response.url,
            "is not given to us",
            reason=f"http_{status}",
            found=found,
            allowed="200 OK",
        )

    def _keep_away(self, response: httpx.Response) -> None:
        """Give the host the rest that it asks for."""
        text = response.headers.get("retry-after", "")
        if text.isdigit():
            pause_s = min(float(text), MAX_RETRY_AFTER_S)
            host = response.url.netloc.decode()
            turn = max(self._next_turn.get(host, 0.0), time.monotonic() + pause_s)
            self._next_turn[host] = turn

    async def _rules_of(self, url: httpx.URL) -> Rules:
        origin = f"{url.scheme}://{url.netloc.decode()}"
        async with self._robots_locks[origin]:
            if origin not in self._rules:
                self._rules[origin] = await self._fetch_rules(origin)
        rules = self._rules[origin]
        if isinstance(rules, ServiceError):
            raise rules
        return rules

    async def _fetch_rules(self, origin: str) -> Rules | ServiceError:
        """No robots.txt means yes; a site that cannot say means no for now."""
        url = httpx.URL(f"{origin}/robots.txt")
        try:
            for _redirect in range(MAX_REDIRECTS + 1):
                answer = await self._patiently(url, 10 * MAX_BYTES, 0.0)
                if isinstance(answer, Answer):
                    return parse_rules(answer.body)
                url = check_url(answer, self.source)
        except ServiceError as error:
            return error
        except LowdiffError:
            return Rules()  # 4xx, or no robots.txt that we could read: no rules (RFC 9309, 2.3.1)
        return Rules()


@contextmanager
def open_web(source: AskingSource, waits_s: Sequence[float] = WAITS_S) -> Iterator[Web]:
    """A client that ends with the block.

    Args:
        waits_s: seconds before the second try of a request that failed, before the third, …
    """
    web = Web(source, waits_s)
    try:
        yield web
    finally:
        web.close()


async def _read(response: httpx.Response, max_bytes: float) -> bytes:
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise _too_big(response, f"{int(announced) / 1e6:.1f} MB", max_bytes)
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise _too_big(response, f"more than {max_bytes / 1e6:g} MB", max_bytes)
    return bytes(body)


def _too_big(response: httpx.Response, found: str, max_bytes: float) -> InputError:
    return InputError(
        response.url,
        "is too big",
        reason="too_big",
        found=found,
        allowed=f"{max_bytes / 1e6:g} MB",
        do="Raise max_mb of its source to accept it.",
    )
