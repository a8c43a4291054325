"""Ask a source what it offers and put that into the fetch queue."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lowdiff.catalog.engine import Catalog, utc_now
from lowdiff.catalog.images import add_rejection
from lowdiff.catalog.queue import Offer, enqueue, forget_refusals
from lowdiff.errors import InputError
from lowdiff.ingest.crawl import crawl
from lowdiff.ingest.offered import Found
from lowdiff.ingest.outside import Outside
from lowdiff.ingest.source_kinds import Source, UrlsSource, WebSource
from lowdiff.ingest.web import Web

CHUNK = 500


@dataclass(frozen=True)
class Discovery:
    """What one source offered."""

    source: str
    found: int
    new: int
    refused: int
    """Pages, folders, members and lines that offer nothing; each is a rejection row."""
    pages: int = 0
    failed: int = 0
    """Pages whose site failed; the next run tries them again."""


def totals(found: Iterable[Discovery]) -> dict[str, int]:
    """What some sources offered, added up: plain values for reports."""
    every = list(found)
    return {
        "offered": sum(one.found for one in every),
        "refused_pages": sum(one.refused for one in every),
        "failed_pages": sum(one.failed for one in every),
    }


def discover(
    source_name: str,
    *,
    outside: Outside,
    catalog: Catalog,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] | None = None,
) -> Discovery:
    """Ask a source of any kind; what it offers is queued, each address once.

    What was found stays found: it is written page by page (or some hundred files at a time).

    Args:
        advance: told the number of offers after each piece.

    Raises:
        InputError: the source itself is wrong: no such folder, a start page that is refused.
        ServiceError: the site does not answer; run it again.
    """
    source = outside.sources[source_name]
    if isinstance(source, WebSource):
        return _crawl(source, outside.webs[source_name], catalog, now, advance)
    found = new = 0
    refused: set[str] = set()
    for offers, refusals in _pieces(source, outside):
        with catalog.write() as session:
            new += enqueue(session, source_name, offers, now=now())
            for refusal in refusals:
                add_rejection(
                    session,
                    source=source_name,
                    url=refusal.item,
                    reason=refusal.reason,
                    message=str(refusal),
                    now=now(),
                )
        found += len(offers)
        refused.update(refusal.item for refusal in refusals)
        if advance is not None:
            advance(len(offers))
    with catalog.write() as session:
        forget_refusals(session, source_name, still=refused)
    return Discovery(source_name, found, new, len(refused))


Piece = tuple[Sequence[Offer], Sequence[InputError]]


def _pieces(source: Source, outside: Outside) -> Iterator[Piece]:
    """What a source offers, some at a time; never all of it at once."""
    if isinstance(source, UrlsSource):
        from lowdiff.ingest.url_list import offers_of_list  # pyarrow takes a while to import

        return _in_pieces(offers_of_list(source, outside.workspace.root))
    return _in_pieces(outside.items[source.name].found())


def _in_pieces(found: Iterator[Found | InputError]) -> Iterator[Piece]:
    offers: list[Offer] = []
    refusals: list[InputError] = []
    try:
        for one in found:
            if isinstance(one, InputError):
                refusals.append(one)
            else:
                offers.append(one.offer)
            if len(offers) + len(refusals) == CHUNK:
                yield offers, refusals
                offers, refusals = [], []
    except InputError as broken:
        if offers or refusals:
            yield offers, refusals
        raise broken
    if offers or refusals:
        yield offers, refusals


def _crawl(
    source: WebSource,
    web: Web,
    catalog: Catalog,
    now: Callable[[], datetime],
    advance: Callable[[int], None] | None,
) -> Discovery:
    """Each page is written down by the crawl itself, together with its offers."""
    found = new = refused = pages = failed = 0
    for page in crawl(source, web, catalog, now):
        found += page.found
        new += page.new
        pages += 1
        refused += page.refusal is not None
        failed += page.failure is not None
        if advance is not None:
            advance(page.found)
    return Discovery(source.name, found, new, refused, pages, failed)
