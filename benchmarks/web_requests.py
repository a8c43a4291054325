"""CPU time of the polite client per small request over loopback, checks and evidence included.

python benchmarks/web_requests.py --requests 2000
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from lowdiff.ingest.source_kinds import WebSource
from lowdiff.ingest.web import open_web

SERVER = """
import asyncio

BODY = b"x" * 1000

async def talk(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            found = head.startswith(b"GET /i")
            status, body = (b"200 OK", BODY) if found else (b"404 Not Found", b"")
            lines = b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), b"", body
            writer.write(b"\\r\\n".join(lines))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    site = f"http://127.0.0.1:{int(server.stdout.readline())}"
    source = WebSource.model_validate(
        {
            "name": "loopback",
            "kind": "web",
            "licence": "CC0-1.0",
            "attribution": "nobody",
            "contact": "me@example.org",
            "start_urls": [f"{site}/"],
            "delay_s": 0.0,
            "concurrency": options.threads,
            "allow_loopback": True,
        }
    )
    try:
        with open_web(source) as web, ThreadPoolExecutor(options.threads) as threads:
            web.get(f"{site}/i", max_bytes=1e6)  # asks for the site's rules

            def get(number: int) -> int:
                return len(web.get(f"{site}/i{number}", max_bytes=1e6).body)

            before, started = _cpu_s(), time.monotonic()
            sizes = list(threads.map(get, range(options.requests)))
            cpu_s, wall_s = _cpu_s() - before, time.monotonic() - started
    finally:
        server.kill()
        server.wait()
    assert sizes == [1000] * options.requests
    figures = {
        "requests": options.requests,
        "cpu_ms_per_request": round(1000 * cpu_s / options.requests, 3),
        "requests_per_s": round(options.requests / wall_s),
    }
    print(json.dumps(figures))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
