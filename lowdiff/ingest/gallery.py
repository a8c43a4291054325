"""A small web gallery on loopback: a folder of HTML pages and images, served while it is needed."""

import errno
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.sources import Source, WebSource
from lowdiff.workspace import Workspace

HOST = "127.0.0.1"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    "": "application/octet-stream",
}


class _Handler(SimpleHTTPRequestHandler):
    """Files only: no listing of folders, no log lines."""

    protocol_version = "HTTP/1.1"  # connections stay open
    extensions_map = TYPES
    server_version = "lowdiff-gallery"

    def list_directory(self, path: Any) -> None:
        """Folders without an index page are not shown."""
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


@contextmanager
def serve_gallery(folder: Path, port: int) -> Iterator[str]:
    """Serve a folder at `http://127.0.0.1:<port>/` inside the block; yields that address.

    Args:
        port: 0 takes a free one.

    Raises:
        InputError: there is no such folder.
        ServiceError: the port is in use; the message says by what, where that can be known.
    """
    if not folder.is_dir():
        raise InputError(
            folder,
            "is no folder, so there is nothing to serve",
            reason="no_gallery",
            do="Run `lowdiff corpus openmoji`, or mend serve_folder in its source.",
        )
    try:
        server = _Server((HOST, port), partial(_Handler, directory=str(folder.absolute())))
    except OSError as error:
        raise _cannot_listen(port, error) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_sources(sources: Iterable[Source], workspace: Workspace) -> Iterator[None]:
    """Serve the `serve_folder` of every web source that has one, at its start address.

    Raises:
        InputError: such a folder is not there.
        ServiceError: a port is in use.
    """
    with ExitStack() as stack:
        for source in sources:
            if isinstance(source, WebSource) and source.serve_folder is not None:
                port = httpx.URL(source.start_urls[0]).port
                assert port is not None  # the source's own check
                stack.enter_context(serve_gallery(workspace.root / source.serve_folder, port))
        yield


def _cannot_listen(port: int, error: OSError) -> ServiceError:
    if error.errno != errno.EADDRINUSE:
        return ServiceError(
            f"port {port}", f"cannot be used ({error.strerror})", reason="port_unusable"
        )
    return ServiceError(
        f"port {port}",
        "is in use, so the gallery cannot be served there",
        reason="port_in_use",
        found=_user_of(port),
        do="Stop that program, or change the port in start_urls of the source.",
    )


def _user_of(port: int) -> str | None:
    """The program that listens on a port, where the system tells."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens_there = connection.status == psutil.CONN_LISTEN and bool(
                connection.laddr and connection.laddr.port == port
            )
            if listens_there and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        return None
    return None
