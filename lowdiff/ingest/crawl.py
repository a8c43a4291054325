"""A web site as a source: read its pages, queue what they show, go on where a run stopped."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from lowdiff.catalog.crawl import (
    LeasedPage,
    PageEnd,
    finish_page,
    forget_pages,
    give_back_pages,
    held_by_others,
    images_offered,
    known_pages,
    lease_pages,
    new_crawler,
    open_round,
)
from lowdiff.catalog.engine import Catalog, utc_now
from lowdiff.catalog.images import add_rejection, forget_rejections
from lowdiff.catalog.queue import Offer, enqueue
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.links import Page, ShownImage, read_page
from lowdiff.ingest.offered import Known
from lowdiff.ingest.optout import Mark, directives, meta_marks, opted_out
from lowdiff.ingest.source_kinds import WebSource
from lowdiff.ingest.web import Answer, Web

MAX_PAGE_BYTES = 20e6
PAGE_TYPES = ("text/html", "application/xhtml+xml")
LEASE_S = 600.0
LOOK_AGAIN_S = 0.5
"""While others read the last pages: they may lead to more."""
READING_RULES = "1"
"""Another number makes unchanged pages be read again: raise it when reading changes."""


@dataclass(frozen=True)
class ReadPage:
    """A page that has ended, and is written down."""

    url: str
    found: int = 0
    """Images that it offers."""
    new: int = 0
    """Those of them that the queue did not have."""
    unchanged: bool = False
    refusal: InputError | None = None
    """Why it could not be read, or why it offers no images."""
    failure: ServiceError | None = None
    """The next run tries it again."""


@dataclass(frozen=True)
class _Seen:
    """What reading a page has given."""

    end: PageEnd
    offers: tuple[Offer, ...] = ()
    unchanged: bool = False
    refusal: InputError | None = None
    failure: ServiceError | None = None


def crawl(
    source: WebSource, web: Web, catalog: Catalog, now: Callable[[], datetime] = utc_now
) -> Iterator[ReadPage]:
    """Read the start pages and the pages that `follow` allows, each once a round, nearest first.

    Each page is written down together with its offers in one transaction, then told. Others may
    crawl the same source at the same time: no page is read twice. A run that was killed is gone
    on with; after a whole round the next one asks only for changes.

    Raises:
        InputError: a start page is refused: the source itself is wrong.
        ServiceError: a start page cannot be read now.
    """
    crawler = _Crawler(source, web, catalog, now)
    try:
        yield from crawler.run()
    finally:
        crawler.stop()


class _Crawler:
    def __init__(
        self, source: WebSource, web: Web, catalog: Catalog, now: Callable[[], datetime]
    ) -> None:
        self.source, self.web, self.catalog, self.now = source, web, catalog, now
        self.name = new_crawler()
        self.rules_hash = rules_hash(source)
        self.threads = ThreadPoolExecutor(source.concurrency)
        self.under_way: dict[Future[_Seen], LeasedPage] = {}

    def run(self) -> Iterator[ReadPage]:
        self._begin()
        while self._lease() or self._others_work():
            for read in self._ended():
                yield read
                if read.url in self.source.start_urls:
                    _raise_if_broken(read)

    def stop(self) -> None:
        """Let pages under way come to their end, and give them back."""
        self.threads.shutdown(cancel_futures=True)
        with self.catalog.write() as session:
            give_back_pages(session, self.source.name, crawler=self.name)

    def _begin(self) -> None:
        source = self.source
        with self.catalog.write() as session:
            starts = list(dict.fromkeys(source.start_urls))[: source.max_pages]
            begins = open_round(
                session, source.name, starts, max_images=source.max_images, now=self.now()
            )
            if begins:
                known = known_pages(session, source.name)
                gone = {url for url in known if url not in starts and not _follows(source, url)}
                forget_pages(session, source.name, gone)

    def _lease(self) -> bool:
        """Start as many pages as may be read at once; False when none is under way."""
        room = self.source.concurrency - len(self.under_way)
        if room > 0:
            with self.catalog.write() as session:
                for page in self._free_pages(session, room):
                    self.under_way[self.threads.submit(self._read, page)] = page
        return bool(self.under_way)

    def _free_pages(self, session: Session, most: int) -> list[LeasedPage]:
        source = self.source
        if images_offered(session, source.name) >= source.max_images:
            return []
        return lease_pages(
            session, source.name, crawler=self.name, most=most, lease_s=LEASE_S, now=self.now()
        )

    def _others_work(self) -> bool:
        with self.catalog.read() as session:
            if not held_by_others(session, self.source.name, now=self.now()):
                return False
        time.sleep(LOOK_AGAIN_S)
        return True

    def _ended(self) -> Iterator[ReadPage]:
        ended, _rest = wait(self.under_way, LOOK_AGAIN_S, return_when=FIRST_COMPLETED)
        for future in ended:
            page = self.under_way.pop(future)
            read = self._write_down(page, future.result())
            if read is not None:
                yield read

    def _read(self, page: LeasedPage) -> _Seen:
        """Ask for a page; whatever it answers is a result."""
        known = None
        if page.rules_hash == self.rules_hash and (page.etag or page.last_modified):
            known = Known(page.etag, page.last_modified)
        try:
            answer = self.web.get(page.url, max_bytes=MAX_PAGE_BYTES, known=known, purpose="page")
            return self._seen(page, answer)
        except InputError as refusal:
            return _Seen(PageEnd("rejected", error=str(refusal)), refusal=refusal)
        except ServiceError as failure:
            retry_at = getattr(failure, "retry_at", None)
            end = PageEnd("failed", error=str(failure), retry_at=retry_at)
            return _Seen(end, failure=failure)

    def _seen(self, page: LeasedPage, answer: Answer) -> _Seen:
        source, headers = self.source, answer.headers
        etag = headers.get("ETag") or (page.etag if answer.unchanged else None)
        modified = headers.get("Last-Modified") or (
            page.last_modified if answer.unchanged else None
        )
        refusal = self._refusal(page, answer, answer.marks)
        if answer.unchanged:
            images = 0 if refusal else page.images
            end = PageEnd("done", images, (), etag, modified, self.rules_hash)
            return _Seen(end, unchanged=True, refusal=refusal)
        content = _read_page(answer)
        marks = (*answer.marks, *meta_marks(content.metas))
        refusal = self._refusal(page, answer, marks)
        asked = directives(headers.get("X-Robots-Tag", ""))
        stays = page.depth >= source.max_depth or not {"nofollow", "none"}.isdisjoint(asked)
        links = () if stays else tuple(one for one in content.links if _follows(source, one))
        shown = () if refusal else content.images
        offers = tuple(
            _offer(image, page.url, content, marks) for image in shown if _shows(source, image.url)
        )
        etag, modified = headers.get("ETag"), headers.get("Last-Modified")
        end = PageEnd("done", len(offers), links, etag, modified, self.rules_hash)
        return _Seen(end, offers, refusal=refusal)

    def _refusal(
        self, page: LeasedPage, answer: Answer, marks: tuple[Mark, ...]
    ) -> InputError | None:
        """Why a page that was read offers no images."""
        if not marks or self.source.optouts_waived is not None:
            return None
        refusal = opted_out(page.url, marks)
        return refusal.with_evidence({**answer.evidence, **refusal.evidence})

    def _write_down(self, page: LeasedPage, seen: _Seen) -> ReadPage | None:
        """One page, its offers, its links and its refusal: all of it or nothing."""
        source, end, offers = self.source, seen.end, seen.offers
        with self.catalog.write() as session:
            room = source.max_images - images_offered(session, source.name)
            if len(offers) > room:
                offers = offers[: max(0, room)]
                # not to be taken for unchanged when the limit is raised
                end = PageEnd("done", len(offers), end.links)
            is_ours = finish_page(
                session,
                source.name,
                page,
                end,
                crawler=self.name,
                max_pages=source.max_pages,
                now=self.now(),
            )
            if not is_ours:
                return None
            new = enqueue(session, source.name, offers, now=self.now())
            self._write_refusal(session, page, seen)
        return ReadPage(page.url, len(offers), new, seen.unchanged, seen.refusal, seen.failure)

    def _write_refusal(self, session: Session, page: LeasedPage, seen: _Seen) -> None:
        refusal = seen.refusal
        if refusal is not None:
            add_rejection(
                session,
                source=self.source.name,
                url=page.url,
                reason=refusal.reason,
                message=str(refusal),
                now=self.now(),
                evidence=refusal.evidence,
            )
        elif not (seen.failure or seen.unchanged):
            forget_rejections(session, [(self.source.name, page.url)])


def rules_hash(source: WebSource) -> str:
    """Digest of what decides how a page is read: after a change, pages are asked for anew."""
    keys = ("follow", "images", "max_depth", "max_pages", "max_images", "optouts_waived")
    rules = [READING_RULES, *(getattr(source, key) for key in keys)]
    return hashlib.sha256(json.dumps(rules).encode()).hexdigest()[:16]


def _raise_if_broken(read: ReadPage) -> None:
    if read.failure is not None:
        raise read.failure
    if read.refusal is not None and read.refusal.reason != "opted_out":
        raise read.refusal


def _read_page(answer: Answer) -> Page:
    content_type = answer.headers.get("content-type", "")
    if content_type and not content_type.lower().startswith(PAGE_TYPES):
        raise InputError(
            answer.url,
            "is no page",
            reason="not_a_page",
            found=content_type[:200],
            allowed=", ".join(PAGE_TYPES),
        ).with_evidence(answer.evidence)
    return read_page(answer.body, url=answer.url, content_type=content_type)


def _follows(source: WebSource, url: str) -> bool:
    return any(re.search(pattern, url) for pattern in source.follow)


def _shows(source: WebSource, url: str) -> bool:
    return not source.images or any(re.search(pattern, url) for pattern in source.images)


def _offer(image: ShownImage, page_url: str, page: Page, marks: tuple[Mark, ...]) -> Offer:
    """An image with what its page says; marks of a page are here only when they are waived."""
    said: dict[str, Any] = {
        "alt_text": image.alt_text,
        "title": image.title,
        "caption": image.caption,
        "page_title": page.title,
        "page_optouts": [mark.as_dict() for mark in marks],
    }
    hints = {key: value for key, value in said.items() if value}
    return Offer(url=image.url, page_url=page_url, hints=hints)
