"""Fetch from the web: politely, lawfully, within limits, every failure told apart."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from aiohttp import ClientResponse
from multidict import CIMultiDictProxy

from lowdiff.catalog.engine import utc_now
from lowdiff.errors import InputError
from lowdiff.ingest.addresses import Lookup, WebAddress, check_url, redirected, system_lookup
from lowdiff.ingest.offered import Known
from lowdiff.ingest.optout import Mark, header_marks, opted_out
from lowdiff.ingest.policy import Answers, FileReply, Policies
from lowdiff.ingest.robots import MAX_BYTES
from lowdiff.ingest.source_kinds import AskingSource
from lowdiff.ingest.web_request import Head, Requests, read_body
from lowdiff.ingest.web_turns import Turns

MAX_REDIRECTS = 5
WAITS_S = (0.5, 2.0)
"""Before the second and the third try of one request."""
REDIRECTS = (301, 302, 303, 307, 308)
T = TypeVar("T")
Purpose = Literal["image", "page"]


@dataclass(frozen=True)
class Answer:
    """A complete answer with status 200, or the news that nothing has changed (304)."""

    url: str
    """The final address, after redirects."""
    body: bytes
    headers: CIMultiDictProxy[str]
    unchanged: bool = False
    marks: tuple[Mark, ...] = ()
    """Opt-outs; those of an image are here only when its source waives them."""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Trip:
    """One address on its way through redirects, and what has been seen on it."""

    item: str
    max_bytes: float
    headers: dict[str, str]
    refuses_marks: bool
    marks: list[Mark] = field(default_factory=list)
    hops: list[str] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)

    def add(self, marks: Sequence[Mark]) -> None:
        """Note marks; raises InputError where they bind us."""
        self.marks += [mark for mark in marks if mark not in self.marks]
        if self.marks and self.refuses_marks:
            raise opted_out(self.item, self.marks)


class Web:
    """One source's client. Its methods block and may be called from many threads."""

    def __init__(
        self,
        source: AskingSource,
        waits_s: Sequence[float] = WAITS_S,
        answers: Answers | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self.source = source
        self._lookup = lookup
        self._policies = Policies(self._ask_for_file, answers)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._requests = self._wait_for(self._open())
        self._turns = Turns(source, self._requests, waits_s)

    def get(
        self, url: str, *, max_bytes: float, known: Known | None = None, purpose: Purpose = "image"
    ) -> Answer:
        """Fetch one address with what robots.txt, opt-outs, redirects and limits say.

        Args:
            known: what an earlier answer said of its version: asks only for changes.
            purpose: an image with a mark against mining is refused (unless the source waives
                them); a page is read and its marks are told.

        Raises:
            InputError: it is refused, by us or by the site, for good; with evidence.
            RetryLater: the host wants a long rest.
            ServiceError: the site failed (5xx, 429, no answer, too slow); it may work later.
        """
        headers = {}
        if known is not None and known.etag:
            headers["If-None-Match"] = known.etag
        if known is not None and known.last_modified:
            headers["If-Modified-Since"] = known.last_modified
        refuses_marks = purpose == "image" and self.source.optouts_waived is None
        trip = _Trip(url, max_bytes, headers, refuses_marks)
        trip.evidence["asked_at"] = _now()
        return self._wait_for(self._get(trip))

    def check_rules(self, url: str) -> None:
        """Ask only for the site's rules, and tell whether they let us fetch an address.

        Raises:
            InputError: they do not, or the address is none that may be asked.
            ServiceError: the site could not say; that means no for now.
        """
        self._wait_for(self._check_rules(check_url(url, self.source)))

    def close(self) -> None:
        """End all requests and connections."""
        self._wait_for(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> Requests:
        return Requests(self.source, self._lookup)

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()  # of callers that were interrupted
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._requests.close()

    async def _get(self, trip: _Trip) -> Answer:
        try:
            url = check_url(trip.item, self.source)
            for _redirect in range(MAX_REDIRECTS + 1):
                await self._check_policy(url, trip)
                answer = await self._patiently(url, trip)
                if isinstance(answer, Answer):
                    return answer
                trip.hops.append(url.text)
                url = check_url(redirected(url, answer).text, self.source)
            raise InputError(
                trip.item,
                "redirects again and again",
                reason="too_many_redirects",
                found=f"more than {MAX_REDIRECTS}, the last one to {url.text[:200]}",
                allowed=MAX_REDIRECTS,
            )
        except InputError as refusal:
            evidence = {**trip.evidence, **({"redirects": trip.hops} if trip.hops else {})}
            raise refusal.with_evidence({**evidence, **refusal.evidence}) from refusal.__cause__

    async def _check_rules(self, url: WebAddress) -> None:
        (await self._policies.of(url)).check(url)

    async def _check_policy(self, url: WebAddress, trip: _Trip) -> None:
        policy = await self._policies.of(url)
        policy.check(url)
        trip.evidence["robots"] = {**policy.robots_evidence, "verdict": "allowed"}
        trip.evidence["tdmrep"] = policy.tdmrep_evidence
        self._turns.slow_down(url, policy.rules.delay_s)
        trip.add(policy.marks(url))

    async def _patiently(self, url: WebAddress, trip: _Trip) -> Answer | str:
        async def read(head: Head, answer: ClientResponse) -> Answer | str:
            return await self._read(url, trip, head, answer)

        return await self._turns.ask(url, trip.headers, read)

    async def _read(
        self, url: WebAddress, trip: _Trip, head: Head, answer: ClientResponse
    ) -> Answer | str:
        """The answer, or the address to which it redirects."""
        headers = head.headers
        trip.evidence.update(_seen(url, head))
        if head.status in REDIRECTS and "Location" in headers:
            trip.add(header_marks(headers.items()))
            return headers["Location"]
        unchanged = head.status == 304 and bool(trip.headers)
        if head.status != 200 and not unchanged:
            raise _refused(url, head)
        trip.add(header_marks(headers.items()))
        body = b"" if unchanged else await read_body(url, answer, trip.max_bytes)
        return Answer(
            url=url.text,
            body=body,
            headers=headers,
            unchanged=unchanged,
            marks=tuple(trip.marks),
            evidence=self._evidence(trip),
        )

    def _evidence(self, trip: _Trip) -> dict[str, Any]:
        evidence = dict(trip.evidence)
        if trip.hops:
            evidence["redirects"] = trip.hops
        if trip.marks:
            evidence["optouts"] = [mark.as_dict() for mark in trip.marks]
        if self.source.optouts_waived is not None:
            evidence["optouts_waived"] = self.source.optouts_waived
        return evidence

    async def _ask_for_file(self, url: WebAddress) -> FileReply:
        """A request for a site's rules: the same manners, no rules of its own."""

        async def read(head: Head, answer: ClientResponse) -> FileReply:
            if head.status in REDIRECTS and "Location" in head.headers:
                return FileReply(head.status, head.headers["Location"], b"")
            body = await read_body(url, answer, MAX_BYTES, cut=True) if head.status == 200 else b""
            return FileReply(head.status, None, body)

        return await self._turns.ask(url, {}, read)


@contextmanager
def open_web(
    source: AskingSource,
    waits_s: Sequence[float] = WAITS_S,
    answers: Answers | None = None,
    lookup: Lookup = system_lookup,
) -> Iterator[Web]:
    """A client that ends with the block.

    Args:
        waits_s: seconds before the second try of a request that failed, before the third, …
        answers: keeps what sites say of themselves for other runs, and as evidence.
        lookup: turns a host into IP addresses.
    """
    web = Web(source, waits_s, answers, lookup)
    try:
        yield web
    finally:
        web.close()


def _refused(url: WebAddress, head: Head) -> InputError:
    return InputError(
        url,
        "is not given to us",
        reason=f"http_{head.status}",
        found=f"{head.status} {head.reason}".strip(),
        allowed="200 OK",
    )


def _seen(url: WebAddress, head: Head) -> dict[str, Any]:
    """What an answer's head proves."""
    headers = head.headers
    seen: dict[str, Any] = {
        "asked_at": _now(),
        "status": head.status,
        "final_url": url.text,
        "peer": head.peer,
    }
    for key in ("Content-Type", "X-Robots-Tag", "TDM-Reservation", "Content-Usage"):
        if key in headers:
            seen[key.lower().replace("-", "_")] = _printable(", ".join(headers.getall(key)))
    return seen


def _printable(text: str) -> str:
    """Headers may hold any bytes."""
    return text[:2000].encode("utf-8", errors="replace").decode()


def _now() -> str:
    return utc_now().isoformat(timespec="seconds")
