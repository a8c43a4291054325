"""One request on the wire, with its limits; the client library's errors become ours."""

import time
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp import ClientConnectorCertificateError, ClientResponse, ClientSession, ClientTimeout
from multidict import CIMultiDictProxy
from yarl import URL

from lowdiff import __version__
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.addresses import CheckedResolver, Lookup, WebAddress, check_literal
from lowdiff.ingest.optout import AGENT
from lowdiff.ingest.source_kinds import AskingSource

IDLE_PART = 3
"""Without any byte for this part of `request_timeout_s` an answer counts as stalled."""
READ_AHEAD_BYTES = 1 << 19
"""Of one answer, before its connection has to wait; most images are smaller than twice this."""
ENCODINGS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


@dataclass(frozen=True)
class Head:
    """What comes before the body."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    peer: str | None
    """IP address that answered."""
    latency_s: float


class _Response(ClientResponse):
    """Notes who answered: a short answer has left its connection before anybody can ask."""

    peer: str | None = None

    async def start(self, connection: Any) -> Self:
        name = connection.transport.get_extra_info("peername") if connection.transport else None
        self.peer = str(name[0]) if name else None
        await super().start(connection)
        return self


class Requests:
    """A pool of connections. Use it in one event loop."""

    def __init__(self, source: AskingSource, lookup: Lookup) -> None:
        self._source = source
        timeout_s = source.request_timeout_s
        resolver = CheckedResolver(lookup, allow_loopback=source.allow_loopback)
        self._session = ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=0),
            headers={
                "User-Agent": f"{AGENT}/{__version__} (+{source.contact})",
                "Accept-Encoding": "identity",
            },
            timeout=ClientTimeout(
                total=timeout_s,
                sock_connect=timeout_s / IDLE_PART,
                sock_read=timeout_s / IDLE_PART,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Response,
            auto_decompress=False,
            read_bufsize=READ_AHEAD_BYTES,
            trust_env=False,  # behind a proxy nobody could tell where a request ends up
        )

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()

    @asynccontextmanager
    async def open(
        self, url: WebAddress, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[Head, ClientResponse]]:
        """Send a request; the block reads the body, or does not.

        Raises:
            InputError: its host is private, or the answer is no HTTP.
            ServiceError: no connection, no answer in time, or it broke off.
        """
        check_literal(url, allow_loopback=self._source.allow_loopback)
        started = time.monotonic()
        try:
            async with self._session.get(
                URL(url.text, encoded=True), headers=headers, allow_redirects=False
            ) as answer:
                peer = answer.peer if isinstance(answer, _Response) else None
                latency_s = time.monotonic() - started
                reason = (answer.reason or "")[:100]
                yield Head(answer.status, reason, answer.headers, peer, latency_s), answer
        except (TimeoutError, aiohttp.ClientError, zlib.error, OSError) as error:
            raise self._told(url, error) from error

    def _told(self, url: WebAddress, error: Exception) -> InputError | ServiceError:
        said = getattr(error, "message", "") or str(error) or type(error).__name__
        cause = " ".join(said.split())[:300]
        timeout_s = self._source.request_timeout_s
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return _unreachable(url, "no connection in time")
        if isinstance(error, aiohttp.SocketTimeoutError):
            idle = f"{timeout_s / IDLE_PART:g} s without any byte"
            return _late(url, "stalled", "has stalled", idle)
        if isinstance(error, TimeoutError):
            return _late(url, "too_slow", "does not answer in time", f"{timeout_s:g} s")
        if isinstance(error, aiohttp.InvalidURL):
            return InputError(url, f"is no web address ({cause})", reason="bad_url")
        if isinstance(error, aiohttp.ClientResponseError | zlib.error):
            return InputError(url, f"answers nonsense ({cause})", reason="bad_answer")
        if isinstance(error, ClientConnectorCertificateError | aiohttp.ClientSSLError):
            return _unreachable(url, cause, reason="bad_certificate")
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return _unreachable(url, cause, reason="host_unknown")
        if isinstance(error, aiohttp.ClientConnectorError):
            return _unreachable(url, cause)
        return ServiceError(url, f"broke off ({cause})", reason="broken_connection")


async def read_body(
    url: WebAddress, answer: ClientResponse, max_bytes: float, *, cut: bool = False
) -> bytes:
    """The body, decoded; never more than the cap is held.

    Args:
        cut: what is beyond the cap is left out instead of refused.

    Raises:
        InputError: it is too big, or encoded in a way that we did not ask for.
    """
    announced = answer.headers.get("Content-Length", "")
    if not cut and announced.isdigit() and int(announced[:18]) > max_bytes:
        raise too_big(url, f"{int(announced[:18]) / 1e6:.1f} MB", max_bytes)
    decoder = _decoder(url, answer.headers.get("Content-Encoding", ""))
    body = bytearray()
    async for chunk in answer.content.iter_any():
        if decoder is None:
            body += chunk
        else:
            body += decoder.decompress(chunk, max(1, int(max_bytes) + 1 - len(body)))
        if len(body) > max_bytes:
            if cut:
                return bytes(body[: int(max_bytes)])
            raise too_big(url, f"more than {max_bytes / 1e6:g} MB", max_bytes)
    if decoder is not None and not decoder.eof:
        raise InputError(
            url, "its compressed answer has no end", reason="bad_answer", found=f"{len(body)} bytes"
        )
    return bytes(body)


def too_big(url: WebAddress, found: str, max_bytes: float) -> InputError:
    """The refusal of a body."""
    return InputError(
        url,
        "is too big",
        reason="too_big",
        found=found,
        allowed=f"{max_bytes / 1e6:g} MB",
        do="Raise max_mb of its source to accept it.",
    )


def _decoder(url: WebAddress, encoding: str) -> Any:
    """For a server that compresses though it was asked not to; None: there is nothing to do."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name not in ENCODINGS:
        raise InputError(
            url,
            "is encoded in a way that we did not ask for",
            reason="bad_encoding",
            found=name[:50],
            allowed=", ".join(("identity", *ENCODINGS)),
        )
    return zlib.decompressobj(ENCODINGS[name])


def _unreachable(url: WebAddress, cause: str, *, reason: str = "no_connection") -> ServiceError:
    return ServiceError(
        url,
        f"cannot be reached ({cause})",
        reason=reason,
        do="Is the server up? The same command goes on where it stopped.",
    )


def _late(url: WebAddress, reason: str, problem: str, allowed: str) -> ServiceError:
    return ServiceError(
        url,
        problem,
        reason=reason,
        allowed=allowed,
        do="Run the command again later, or raise request_timeout_s of its source.",
    )
