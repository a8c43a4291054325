"""What a source would do, told without fetching an image and without a workspace."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.errors import InputError, LowdiffError
from lowdiff.ingest.addresses import parse_address
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.offered import Found
from lowdiff.ingest.opening import open_items
from lowdiff.ingest.source_kinds import AskingSource, Source, UrlsSource, WebSource
from lowdiff.ingest.url_list import ListedHosts, offers_of_list
from lowdiff.ingest.web import Web, open_web

SHOWN = 5
ASKED_HOSTS = 20
"""Hosts of a long list whose robots.txt is asked for, those with the most items first."""


@dataclass
class Look:
    """What was seen of a source."""

    source: Source
    items: int = 0
    sized: int = 0
    """Items whose size the source tells for nothing."""
    size_bytes: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    first: list[dict[str, Any]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """Reason → what is refused before it is fetched."""
    refusals: list[str] = field(default_factory=list)
    """The first messages."""
    duplicates: int = 0
    unknown_licences: int = 0
    hosts: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; `items` is null where only a crawl could tell."""
        is_site = isinstance(self.source, WebSource)
        return {
            "source": self.source.name,
            "kind": self.source.kind,
            "where": self.source.where,
            "licence": self.source.licence,
            "attribution": self.source.attribution,
            "optouts_waived": self.source.optouts_waived,
            "items": None if is_site else self.items,
            "bytes": self.size_bytes if self.sized else None,
            "endings": dict(self.endings.most_common()),
            "first": self.first,
            "refused": dict(self.refused.most_common()),
            "refusals": self.refusals,
            "duplicates": self.duplicates,
            "unknown_licences": self.unknown_licences,
            "hosts": self.hosts,
        }

    def refuse(self, refusal: InputError) -> None:
        """Count one and keep the first messages."""
        self.refused[refusal.reason] += 1
        if len(self.refusals) < SHOWN:
            self.refusals.append(str(refusal))


def look_into(
    source: Source,
    *,
    root: Path,
    copies: Path,
    limits: Limits,
    offline: bool = False,
    advance: Callable[[int], None] | None = None,
) -> Look:
    """List what a source offers and ask the sites of a list for their rules.

    Args:
        root: the workspace, to which paths may be relative.
        copies: folder for unpacked copies of compressed tar files.
        limits: the settings' limits.
        offline: ask no site.
        advance: told the number of items seen since the last call.

    Raises:
        InputError: the source itself is wrong.
        ServiceError: its disk or its bucket fails.
    """
    look = Look(source)
    if isinstance(source, WebSource):
        asked = {parse_address(url).host: (url, 0) for url in reversed(source.start_urls)}
    else:
        hosts = _count(look, _found(source, root, copies), source.limits_over(limits), advance)
        asked = dict(sorted(hosts.items(), key=lambda one: -one[1][1]))
    if isinstance(source, UrlsSource | WebSource):
        look.hosts = _hosts(source, asked, root=root, offline=offline)
    return look


Hosts = dict[str, tuple[str, int]]
"""Host → its first address, and how many there are."""


def _found(source: Source, root: Path, copies: Path) -> Iterator[Found | InputError]:
    if isinstance(source, UrlsSource):
        yield from offers_of_list(source, root)
    elif not isinstance(source, WebSource):
        items = open_items(source, root=root, copies=copies)
        try:
            yield from items.found()
        finally:
            items.close()


def _count(
    look: Look,
    found: Iterator[Found | InputError],
    limits: Limits,
    advance: Callable[[int], None] | None,
) -> Hosts:
    seen: set[bytes] = set()
    hosts: Hosts = {}
    for one in found:
        if advance is not None:
            advance(1)
        if isinstance(one, InputError):
            look.refuse(one)
            continue
        url = one.offer.url
        if isinstance(look.source, UrlsSource):
            key = hashlib.blake2b(url.encode(), digest_size=8).digest()
            if key in seen:
                look.duplicates += 1
                continue
            seen.add(key)
            host = parse_address(url).host
            first, number = hosts.get(host, (url, 0))
            hosts[host] = (first, number + 1)
        _add(look, one, limits)
    return hosts


def _add(look: Look, one: Found, limits: Limits) -> None:
    hints = one.offer.hints
    look.items += 1
    look.endings[_ending(one.offer.url)] += 1
    look.unknown_licences += hints.get("licence", look.source.licence) == UNKNOWN_LICENCE
    if len(look.first) < SHOWN:
        said: dict[str, Any] = {
            key: hints[key] for key in ("title", "caption", "alt_text") if key in hints
        }
        look.first.append({"item": one.offer.url, **said})
    if one.is_missing:
        broken = InputError(
            one.offer.url, "leads to nothing", reason="unreadable", do="Mend its path."
        )
        look.refuse(broken)
    if one.size_bytes is not None:
        look.sized += 1
        look.size_bytes += one.size_bytes
        try:
            limits.check_bytes(one.size_bytes, item=one.offer.url)
        except InputError as refusal:
            look.refuse(refusal)


def _ending(url: str) -> str:
    path = url.partition("?")[0] if "://" in url else url
    shard, is_row, _row = path.rpartition("#row=")
    return PurePosixPath(shard if is_row else path).suffix.lower() or "none"


def _hosts(
    source: AskingSource, asked: Hosts, *, root: Path, offline: bool
) -> list[dict[str, Any]]:
    is_ours = isinstance(source, WebSource) and source.serve_folder is not None
    if offline or is_ours:
        verdict = "served by lowdiff" if is_ours else "not asked"
        return [
            {"host": host, "items": number, "robots": verdict}
            for host, (_url, number) in asked.items()
        ]
    if isinstance(source, UrlsSource):
        source = source.with_listed(ListedHosts(source, root))
    found = []
    with open_web(source, ()) as web:
        for position, (host, (url, number)) in enumerate(asked.items()):
            verdict = _verdict(web, url) if position < ASKED_HOSTS else "not asked"
            found.append({"host": host, "items": number, "robots": verdict})
    return found


def _verdict(web: Web, url: str) -> str:
    """What robots.txt says of the first address of a host."""
    try:
        web.check_rules(url)
    except LowdiffError as error:
        return f"{error.reason}: {error.problem}"
    return "allowed"
