"""A web server that costs as little as it can: the same files for everyone, from memory.

`python image_server.py FOLDER URL_FILE` writes its address into URL_FILE. It serves the files of a
folder, `/` is a page that shows them all, and there is no robots.txt.
"""

import socket
import sys
import threading
from pathlib import Path


def main() -> None:
    """Serve until it is ended."""
    folder, address = Path(sys.argv[1]), Path(sys.argv[2])
    names = sorted(path.name for path in folder.glob("*.jpg"))
    answers = {f"/{name}".encode(): _answer((folder / name).read_bytes(), "image/jpeg")
               for name in names}  # fmt: skip
    page = "".join(f'<img src="/{name}" alt="picture {name}">' for name in names)
    answers[b"/"] = _answer(page.encode(), "text/html")
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        aside = address.with_suffix(".part")
        aside.write_text(f"http://127.0.0.1:{server.getsockname()[1]}")
        aside.replace(address)
        while True:
            connection, _peer = server.accept()
            threading.Thread(target=_serve, args=(connection, answers), daemon=True).start()


def _answer(body: bytes, kind: str) -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


def _serve(connection: socket.socket, answers: dict[bytes, bytes]) -> None:
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        said = b""
        try:
            while part := connection.recv(65536):
                said += part
                while b"\r\n\r\n" in said:
                    head, _, said = said.partition(b"\r\n\r\n")
                    path = head.split(b" ", 2)[1].split(b"?")[0]
                    connection.sendall(answers.get(path, missing))
                    if b"connection: close" in head.lower():
                        return
        except OSError:
            return


if __name__ == "__main__":
    main()
