"""Ask a source what it offers and put that into the fetch queue."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import Catalog, utc_now
from lowdiff.catalog.images import add_rejection
from lowdiff.catalog.queue import (
    Offer,
    enqueue,
    forget_refusals,
    reopen_rejected,
    unfinished_ids,
)
from lowdiff.errors import InputError
from lowdiff.ingest.crawl import crawl
from lowdiff.ingest.folder import offers_of
from lowdiff.ingest.outside import Outside
from lowdiff.ingest.sources import FolderSource, WebSource

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
    """Walk a folder or crawl a site; what it offers is queued, each address once.

    What was found stays found: it is written page by page (or some hundred files at a time).

    Args:
        advance: told the number of offers after each piece.

    Raises:
        InputError: the source itself is wrong: no such folder, a start page that is refused.
        ServiceError: the site does not answer; run it again.
    """
    source = outside.sources[source_name]
    pieces = (
        _of_folder(source, outside)
        if isinstance(source, FolderSource)
        else _of_web(source, outside)
    )
    found = new = pages = 0
    refused: set[str] = set()
    for offers, refusals in pieces:
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


def pending(
    catalog: Catalog,
    source_names: Sequence[str],
    *,
    retry_rejected: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> list[int]:
    """Ids of finds that `ingest_batch` has still to do.

    Args:
        retry_rejected: open again what was refused before (after limits were raised, say).
    """
    if retry_rejected:
        with catalog.write() as session:
            reopen_rejected(session, source_names, now=now())
    with catalog.read() as session:
        return unfinished_ids(session, source_names)


Piece = tuple[Sequence[Offer], Sequence[InputError]]


def _of_folder(source: FolderSource, outside: Outside) -> Iterator[Piece]:
    everything = list(offers_of(source, outside.workspace))
    for some in chunks(everything, CHUNK):
        yield (
            [one for one in some if isinstance(one, Offer)],
            [one for one in some if isinstance(one, InputError)],
        )


def _of_web(source: WebSource, outside: Outside) -> Iterator[Piece]:
    for page in crawl(source, outside.webs[source.name]):
        yield page.offers, [page.refusal] if page.refusal else []
