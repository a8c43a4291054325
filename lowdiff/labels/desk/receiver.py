"""A small receiver of Label Studio's webhooks: hints that a pull is worth while, nothing more.

It listens on this machine only, answers at once (Label Studio waits while it submits, and gives up
after a second), and believes nothing of what it is sent: polling stays the truth.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lowdiff.errors import ServiceError
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.projects import TaskProject

HOST = "127.0.0.1"
ACTIONS = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "TASKS_DELETED",
)
MOST_BYTES = 1 << 16
"""Of a hint, which says almost nothing; a longer one is not read to its end."""
TIMEOUT_S = 5.0
"""Whoever says nothing for so long is not waited for."""


class Receiver:
    """Counts hints; several that come together are one."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(24)
        self._hinted = threading.Event()
        self._server = ThreadingHTTPServer((HOST, 0), _handler(self.secret, self._hinted))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def address(self, project: TaskProject) -> str:
        """Where Label Studio shall call; whoever does not know the secret is turned away."""
        return f"http://{HOST}:{self._server.server_port}{mark(project)}{self.secret}"

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and give the port back."""
        self._server.shutdown()
        self._server.server_close()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a hint, at most so long; True when there was one since the last call."""
        hinted = self._hinted.wait(timeout_s)
        self._hinted.clear()
        return hinted


def mark(project: TaskProject) -> str:
    """By this part of an address we know our webhooks again, also after a crash."""
    return f"/lowdiff/{project.tag}/"


@contextmanager
def receiving(client: LabelStudio, projects: list[TaskProject]) -> Iterator[Receiver]:
    """A receiver that Label Studio calls for these projects; unregistered at the end.

    What an earlier one left behind when it was killed is removed first.

    Raises:
        InputError: Label Studio may not call this machine.
    """
    receiver = Receiver()
    receiver.start()
    try:
        for project in projects:
            client.stop_calling(mark(project))
            client.call_back(project.project_id, receiver.address(project), ACTIONS)
        yield receiver
    finally:
        receiver.stop()
        with suppress(ServiceError):  # the next one removes what is left
            for project in projects:
                client.stop_calling(mark(project))


def _handler(secret: str, hinted: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_S

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "0")
            knows = secrets.compare_digest(
                self.path.rsplit("/", 1)[-1].encode(errors="replace"), secret.encode()
            )
            if knows:
                hinted.set()
            self.send_response(204 if knows else 404)
            self.send_header("Connection", "close")
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.wfile.flush()
            if length.isdigit():
                self.rfile.read(min(int(length), MOST_BYTES))
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """The secret is in the path: nothing is logged."""

    return Handler
