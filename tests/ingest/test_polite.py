"""No host is asked more often at once than its source says, whoever wants to know."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

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
