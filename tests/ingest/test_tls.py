"""A web server with a certificate of its own, as a client sees it that knows its CA or does not."""

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from tests.ingest.conftest import Site

pytestmark = pytest.mark.integration

CLIENT = """
import sys
from lowdiff.errors import LowdiffError
from lowdiff.ingest.web import open_web
from tests.ingest.conftest import web_source

with open_web(web_source(sys.argv[1]), waits_s=()) as web:
    for path in sys.argv[2:]:
        try:
            print("got", web.get(sys.argv[1] + path, max_bytes=1e6).body.decode())
        except LowdiffError as error:
            print(type(error).__name__, error.reason)
"""


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def safe_url(authority: trustme.CA, site: Site) -> Iterator[str]:
    """An https server: `/a` is a file, `/down` leads to `/a` of a server without TLS."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, status = {"/a": (b"safe", 200), "/down": (b"", 302)}.get(self.path, (b"", 404))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", f"{site.url}/a")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # clients that hang up on a certificate

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def said(url: str, *paths: str, trusted: Path) -> list[str]:
    """What a client says that trusts the authorities of a file and no others."""
    env = {**os.environ, "SSL_CERT_FILE": str(trusted), "SSL_CERT_DIR": str(trusted.parent)}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, url, *paths], env=env, capture_output=True, check=True
    )
    return done.stdout.decode().splitlines()


def test_a_redirect_from_https_to_http_is_refused_and_not_followed(
    safe_url, authority, site, tmp_path
):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    answers = said(safe_url, "/a", "/down", trusted=tmp_path / "ca.pem")
    assert answers == ["got safe", "InputError insecure_redirect"]
    assert site.requests == []


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(safe_url, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    answers = said(safe_url, "/a", trusted=tmp_path / "other.pem")
    assert answers == ["ServiceError bad_certificate"]
