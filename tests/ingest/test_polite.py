"""No host is asked more often at once than its source says, whoever wants to know."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from itertools import pairwise

import pytest

from lowdiff.ingest.web import open_web
from tests.ingest.conftest import Reply, Site, png, reply, web_source

pytestmark = pytest.mark.integration


class Crowd:
    """Counts who is inside, and keeps everybody until so many have come (or nobody more does)."""

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._inside = 0
        self._changed = threading.Condition()
        self.most = 0

    def around(self, answer: Reply) -> Reply:
        def wait(handler: BaseHTTPRequestHandler) -> None:
            with self._changed:
                self._inside += 1
                self.most = max(self.most, self._inside)
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._inside >= self._enough, timeout=0.5)
            answer(handler)
            with self._changed:
                self._inside -= 1

        return wait


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_host_has_no_more_requests_at_once_than_the_source_says(site: Site, concurrency):
    crowd = Crowd(enough=concurrency + 1)
    paths = [f"/{number}.png" for number in range(8)]
    for path in paths:
        site.has(path, crowd.around(reply(png((1, 2, 3)), Content_Type="image/png")))
    source = web_source(site.url, concurrency=concurrency)
    with open_web(source, waits_s=()) as web, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda path: web.get(site.url + path, max_bytes=10_000), paths))
    assert {answer.body for answer in answers} == {png((1, 2, 3))}
    assert crowd.most <= concurrency


class Clock:
    """Notes when each request came in, by the server's own clock."""

    def __init__(self) -> None:
        self._at: list[float] = []

    def around(self, answer: Reply) -> Reply:
        def note(handler: BaseHTTPRequestHandler) -> None:
            self._at.append(time.monotonic())
            answer(handler)

        return note

    @property
    def gaps_s(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(sorted(self._at))]


GRAIN_S = 0.02
"""Between the clocks of asking and of being asked."""


def test_requests_to_a_host_start_as_far_apart_as_the_source_says(site: Site):
    clock = Clock()
    for number in range(4):
        site.has(f"/{number}.png", clock.around(reply(png((1, 2, 3)), Content_Type="image/png")))
    source = web_source(site.url, concurrency=4, delay_s=0.15)
    with open_web(source, waits_s=()) as web, ThreadPoolExecutor(4) as threads:
        paths = [f"{site.url}/{number}.png" for number in range(4)]
        list(threads.map(lambda path: web.get(path, max_bytes=10_000), paths))
    assert len(clock.gaps_s) == 3
    assert min(clock.gaps_s) >= 0.15 - GRAIN_S


def test_a_host_that_says_too_many_is_asked_half_as_often_from_then_on(site: Site):
    clock = Clock()
    fine = clock.around(reply(png((1, 2, 3)), Content_Type="image/png"))
    site.has("/a.png", clock.around(reply(b"", status=429)), fine)
    site.has("/b.png", fine)
    source = web_source(site.url, concurrency=1, delay_s=0.15)
    with open_web(source, waits_s=(0.0,)) as web:
        for name in ("a", "b"):
            web.get(f"{site.url}/{name}.png", max_bytes=10_000)
    again, after = clock.gaps_s
    assert again >= 2 * 0.15 - GRAIN_S
    assert after >= 0.15 - GRAIN_S  # a good answer lets it come back, never below what is asked
