"""Ask a source what it offers and put that into the fetch queue."""

from collections.abc import Callable, Iterator, Sequence
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
from lowdiff.ingest.url_list import offers_of_list

CHUNK = 500


@dataclass(frozen=True)
class Discovery:
    """What one source offered."""

    source: str
    found: int
    new: int
    refused: int
    """Pages and folders that could not be read; each is a rejection row."""
    pages: int = 0


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
    found = new = pages = 0
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
        pages += 1
        if advance is not None:
            advance(len(offers))
    with catalog.write() as session:
        forget_refusals(session, source_name, still=refused)
    is_web = isinstance(source, WebSource)
    return Discovery(source_name, found, new, len(refused), pages if is_web else 0)


Piece = tuple[Sequence[Offer], Sequence[InputError]]


def _pieces(source: Source, outside: Outside) -> Iterator[Piece]:
    """What a source offers, some at a time; never all of it at once."""
    if isinstance(source, WebSource):
        return _of_web(source, outside)
    if isinstance(source, UrlsSource):
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


def _of_web(source: WebSource, outside: Outside) -> Iterator[Piece]:
    for page in crawl(source, outside.webs[source.name]):
        yield page.offers, [page.refusal] if page.refusal else []
