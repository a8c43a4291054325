"""A web site as a source: read its pages, collect what they show."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from lowdiff.catalog.queue import Offer
from lowdiff.errors import InputError
from lowdiff.ingest.links import Page, ShownImage, read_page
from lowdiff.ingest.sources import WebSource
from lowdiff.ingest.web import Answer, Web

MAX_PAGE_BYTES = 20e6
PAGE_TYPES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True)
class PageOffers:
    """The images of one page, or why it could not be read."""

    url: str
    offers: tuple[Offer, ...] = ()
    refusal: InputError | None = None


def crawl(source: WebSource, web: Web) -> Iterator[PageOffers]:
    """Read the start pages and the pages that `follow` allows, each once, nearest first.

    Raises:
        InputError: a start page is refused: the source itself is wrong.
        ServiceError: the site does not answer.
    """
    todo = deque(dict.fromkeys(source.start_urls))
    seen = set(todo)
    images_left = source.max_images
    for _number in range(source.max_pages):
        if not todo or images_left <= 0:
            return
        url = todo.popleft()
        try:
            page = _read(web.get(url, max_bytes=MAX_PAGE_BYTES))
        except InputError as refusal:
            if url in source.start_urls:
                raise
            yield PageOffers(url, refusal=refusal)
            continue
        shown = [image for image in page.images if _allows(source.images, image.url)]
        offers = tuple(_offer(image, url, page) for image in shown[:images_left])
        images_left -= len(offers)
        yield PageOffers(url, offers)
        for link in page.links:
            if link not in seen and source.follow and _allows(source.follow, link):
                seen.add(link)
                todo.append(link)


def _read(answer: Answer) -> Page:
    content_type = answer.headers.get("content-type", "")
    if content_type and not content_type.lower().startswith(PAGE_TYPES):
        raise InputError(
            answer.url,
            "is no page",
            reason="not_a_page",
            found=content_type,
            allowed=", ".join(PAGE_TYPES),
        )
    return read_page(answer.body, url=answer.url, content_type=content_type)


def _allows(patterns: list[str], url: str) -> bool:
    return not patterns or any(re.search(pattern, url) for pattern in patterns)


def _offer(image: ShownImage, page_url: str, page: Page) -> Offer:
    said = {
        "alt_text": image.alt_text,
        "title": image.title,
        "caption": image.caption,
        "page_title": page.title,
    }
    hints = {key: value for key, value in said.items() if value}
    return Offer(url=image.url, page_url=page_url, hints=hints)
