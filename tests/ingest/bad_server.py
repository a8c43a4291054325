"""A web server on a socket of its own that breaks every rule it is told to break."""

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
STATUS = {200: "OK", 301: "Moved", 302: "Found", 304: "Not Modified", 429: "Too Many Requests"}


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]


Wire = socket.socket
Deed = bytes | Callable[[Wire, Request], None]
"""Bytes are sent and the connection stays open; after a function it is closed."""


def http(body: bytes = b"", status: int = 200, *headers: str) -> bytes:
    """A proper answer; `headers` as `Name: value`."""
    lines = [f"HTTP/1.1 {status} {STATUS.get(status, 'Status')}", *headers]
    if status != 304:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def page(html: str, *headers: str) -> bytes:
    return http(html.encode(), 200, "Content-Type: text/html; charset=utf-8", *headers)


def redirect(target: str, status: int = 302) -> bytes:
    return http(b"", status, f"Location: {target}")


def raw(data: bytes) -> Deed:
    """Send these bytes and hang up."""

    def answer(wire: Wire, _request: Request) -> None:
        wire.sendall(data)

    return answer


def drip(start: bytes, drop: bytes = b"x", every_s: float = 0.02) -> Deed:
    """Go on sending a little."""

    def answer(wire: Wire, _request: Request) -> None:
        wire.sendall(start)
        for _ in range(1000):
            wire.sendall(drop)
            time.sleep(every_s)

    return answer


def stall(start: bytes) -> Deed:
    """Send something, then nothing, without hanging up."""

    def answer(wire: Wire, _request: Request) -> None:
        wire.sendall(start)
        wire.settimeout(30.0)
        wire.recv(1)  # until the other side has had enough

    return answer


def flood(start: bytes, piece: bytes = bytes(65536)) -> Deed:
    """Send without an end."""

    def answer(wire: Wire, _request: Request) -> None:
        wire.sendall(start)
        while True:
            wire.sendall(piece)

    return answer


def reset(start: bytes = b"") -> Deed:
    """Cut the connection off the hard way (RST)."""

    def answer(wire: Wire, _request: Request) -> None:
        wire.sendall(start)
        time.sleep(0.05)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.close()

    return answer


def with_etag(body: bytes, tag: str, *headers: str) -> Deed:
    """304 for those who know the tag."""

    def answer(wire: Wire, request: Request) -> None:
        if request.headers.get("if-none-match") == tag:
            wire.sendall(http(b"", 304, f"ETag: {tag}", "Connection: close", *headers))
        else:
            wire.sendall(http(body, 200, f"ETag: {tag}", "Connection: close", *headers))

    return answer


def gzipped(body: bytes, *headers: str) -> bytes:
    return http(gzip.compress(body), 200, "Content-Encoding: gzip", *headers)


@dataclass
class BadServer:
    """Path → deeds, the last one is repeated; what is not told is 404."""

    url: str = ""
    deeds: dict[str, list[Deed]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def does(self, path: str, *deeds: Deed) -> str:
        """Returns the address of the path."""
        self.deeds[path] = list(deeds)
        return self.url + path

    @property
    def paths(self) -> list[str]:
        """What was asked for, without the site's rules."""
        rules = ("/robots.txt", "/.well-known/tdmrep.json")
        return [one.path for one in self.requests if one.path not in rules]

    def count(self, path: str) -> int:
        return sum(one.path == path for one in self.requests)


@contextmanager
def serve_badly() -> Iterator[BadServer]:
    server = BadServer()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    wires: set[Wire] = set()

    def accept() -> None:
        with suppress(OSError):
            while True:
                wire, _peer = listener.accept()
                wires.add(wire)
                threading.Thread(target=_talk, args=(server, wire), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for wire in wires:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        thread.join()


def _talk(server: BadServer, wire: Wire) -> None:
    with suppress(OSError), wire:
        rest = b""
        while True:
            while b"\r\n\r\n" not in rest:
                received = wire.recv(65536)
                if not received:
                    return
                rest += received
            head, _end, rest = rest.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in lines)
            headers = {key.lower(): value.strip() for key, _colon, value in pairs}
            request = Request(first.split(" ")[1], headers)
            server.requests.append(request)
            deeds = server.deeds.get(request.path, [NOTHING])
            deed = deeds.pop(0) if len(deeds) > 1 else deeds[0]
            if isinstance(deed, bytes):
                wire.sendall(deed)
                continue
            deed(wire, request)
            return
