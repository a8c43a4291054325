"""What a site says of itself, asked once a day: its robots.txt and its tdmrep.json."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.addresses import WebAddress, parse_address, redirected
from lowdiff.ingest.optout import Mark, robots_usage_mark, tdmrep_mark
from lowdiff.ingest.robots import MAX_BYTES, Rules, parse_rules

MAX_REDIRECTS = 5
MAX_ORIGINS = 1000
"""Sites whose rules are kept in memory."""


@dataclass(frozen=True)
class Said:
    """The answer for one such file."""

    url: str
    status: int
    """HTTP status, 0 where redirects led nowhere."""
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of status and body: what evidence points to."""
        return hashlib.sha256(f"{self.status}\n{self.text}".encode()).hexdigest()

    @property
    def rules_text(self) -> str:
        """The body of an answer that counts."""
        return self.text.removeprefix("\ufeff") if self.status == 200 else ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for evidence."""
        return {"url": self.url, "status": self.status, "digest": self.digest}


class Answers(Protocol):
    """Where answers are kept for other runs and processes, and as evidence."""

    def recall(self, url: str) -> tuple[int, str] | None:
        """Status and body of an answer that is less than 24 hours old."""

    def keep(self, url: str, *, status: int, digest: str, body: str) -> None:
        """Remember an answer of now."""


@dataclass(frozen=True)
class SitePolicy:
    """What counts for one origin."""

    robots: Said
    tdmrep: Said
    rules: Rules
    robots_evidence: dict[str, Any]
    tdmrep_evidence: dict[str, Any]

    def marks(self, url: WebAddress) -> tuple[Mark, ...]:
        """Marks of the site's files against the use of an address."""
        usage = robots_usage_mark(self.robots.rules_text, path=url.path, where=self.robots.url)
        mining = tdmrep_mark(self.tdmrep.rules_text, path=url.path, where=self.tdmrep.url)
        return tuple(mark for mark in (usage, mining) if mark is not None)

    def check(self, url: WebAddress) -> None:
        """Refuse what robots.txt does not allow.

        Raises:
            InputError: with the answer it is based on.
        """
        try:
            self.rules.check(url.text)
        except InputError as refusal:
            verdict = {**self.robots_evidence, "verdict": "disallowed"}
            raise refusal.with_evidence({"robots": verdict}) from None


@dataclass(frozen=True)
class FileReply:
    """One answer to a request for such a file; bodies beyond 500 kB are cut."""

    status: int
    location: str | None
    body: bytes


Ask = Callable[[WebAddress], Awaitable[FileReply]]
"""One polite request; raises ServiceError when the site fails (5xx, 429, no answer)."""


class Policies:
    """The policies of all sites that a client meets. Use it in one event loop."""

    def __init__(self, ask: Ask, answers: Answers | None = None) -> None:
        self._ask = ask
        self._answers = answers
        self._found: OrderedDict[str, asyncio.Future[SitePolicy]] = OrderedDict()

    async def of(self, url: WebAddress) -> SitePolicy:
        """The policy of the site of an address; asked for once.

        Raises:
            InputError: its host is private.
            ServiceError: the site could not say; that means no for now.
        """
        found = self._found.get(url.origin)
        if found is None:
            found = asyncio.ensure_future(self._read(url.origin))
            self._found[url.origin] = found
            if len(self._found) > MAX_ORIGINS:
                self._found.popitem(last=False)
        return await asyncio.shield(found)

    async def _read(self, origin: str) -> SitePolicy:
        robots = await self._said(f"{origin}/robots.txt")
        tdmrep = await self._said(f"{origin}/.well-known/tdmrep.json")
        rules = await asyncio.to_thread(parse_rules, robots.rules_text)  # a big one takes a second
        return SitePolicy(robots, tdmrep, rules, robots.as_dict(), tdmrep.as_dict())

    async def _said(self, url: str) -> Said:
        if self._answers is not None:
            known = await asyncio.to_thread(self._answers.recall, url)
            if known is not None:
                return Said(url, *known)
        try:
            said = await self._asked(url)
        except ServiceError as error:
            await self._keep(Said(url, 0, str(error)))
            raise
        await self._keep(said)
        return said

    async def _keep(self, said: Said) -> None:
        if self._answers is not None:
            await asyncio.to_thread(
                self._answers.keep,
                said.url,
                status=said.status,
                digest=said.digest,
                body=said.text,
            )

    async def _asked(self, url: str) -> Said:
        """Redirects are followed to any public host (RFC 9309, 2.3.1.2); more than 5: no file."""
        target = parse_address(url)
        try:
            for _redirect in range(MAX_REDIRECTS + 1):
                reply = await self._ask(target)
                if reply.location is None:
                    body = reply.body[:MAX_BYTES].decode("utf-8", errors="replace")
                    return Said(url, reply.status, body.replace("\0", ""))
                target = redirected(target, reply.location)
        except InputError as refusal:
            if refusal.reason == "private_address" and target.text == url:
                raise
            raise ServiceError(
                url,
                f"the rules of its site cannot be read ({refusal})",
                reason="rules_unreadable",
                do="Nothing of this site is fetched until they can be.",
            ) from refusal
        return Said(url, 404, "")
