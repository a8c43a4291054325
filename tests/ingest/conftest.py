"""A web server that misbehaves as it is told, and pictures to serve."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PIL import Image

from lowdiff.ingest.limits import Limits
from lowdiff.ingest.outside import Outside, open_outside
from lowdiff.ingest.sources import FolderSource, WebSource
from lowdiff.workspace import Workspace


def png(colour: tuple[int, int, int], size: tuple[int, int] = (8, 8)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def svg(colour: str = "red") -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10">'
        f'<rect width="20" height="10" fill="{colour}"/></svg>'
    ).encode()


Reply = Callable[[BaseHTTPRequestHandler], None]


def reply(body: bytes, status: int = 200, **headers: str) -> Reply:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@dataclass
class Site:
    """Path → replies; the last one is repeated. Remembers every request."""

    url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)

    def has(self, path: str, *answers: Reply) -> None:
        self.replies[path] = list(answers)

    def shows(self, *images: str) -> None:
        page = "".join(f'<img src="{one}" alt="alt of {one}">' for one in images)
        self.has("/", reply(page.encode(), Content_Type="text/html"))


@contextmanager
def serve_site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.requests.append(self.path)
            site.agents.add(self.headers["User-Agent"])
            answers = site.replies.get(self.path, [reply(b"", 404)])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    with serve_site() as running:
        yield running


def web_source(url: str, **changes: Any) -> WebSource:
    values = {
        "name": "site",
        "kind": "web",
        "licence": "CC0-1.0",
        "attribution": "nobody",
        "contact": "me@example.org",
        "start_urls": [f"{url}/"],
        "delay_s": 0.0,
        "request_timeout_s": 5.0,
        "allow_loopback": True,
    }
    return WebSource.model_validate({**values, **changes})


def folder_source(path: str, **changes: Any) -> FolderSource:
    values = {
        "name": "folder",
        "kind": "folder",
        "licence": "LicenseRef-internal",
        "attribution": "us",
        "path": path,
    }
    return FolderSource.model_validate({**values, **changes})


@contextmanager
def outside_of(
    source: FolderSource | WebSource, workspace: Workspace, **limits: Any
) -> Iterator[Outside]:
    with open_outside(
        {source.name: source},
        workspace=workspace,
        limits=Limits(**limits),
        workers=1,
        waits_s=(0.05,),
    ) as outside:
        yield outside
