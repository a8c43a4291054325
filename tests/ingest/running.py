"""Real `lowdiff ingest` processes over a folder and a site, and the facts that they leave."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import text

from lowdiff.catalog import open_catalog
from lowdiff.store import image_key, open_store, sha256_hex
from lowdiff.workspace import Workspace
from tests.ingest.conftest import Reply, Site, png, reply, svg

WORKERS, CONCURRENCY = 2, 4
FACTS = (
    "select id, pixel_hash, format, width_px, height_px, size_bytes, has_alpha, family_id, "
    "embedded from image order by id",
    "select image_id, source, url, page_url, licence, attribution, title, alt_text, tags, evidence "
    "from sighting order by source, url, image_id",
    "select source, url, reason, message, evidence from rejection order by source, url",
    "select source, url, state, attempts, lease_owner, image_id from fetch_queue "
    "order by source, url",
    "select a_id, b_id, kind, score from duplicate_edge order by a_id, b_id",
)
TIMES = frozenset({"asked_at", "seen_at", "fetched_at"})
"""Keys of evidence that tell when."""


def slow(body: bytes, seconds: float, **headers: str) -> Reply:
    answer = reply(body, **headers)

    def wait(handler: Any) -> None:
        time.sleep(seconds)
        answer(handler)

    return wait


def lay_out(root: Path, sites: dict[str, Site], *, files: int) -> None:
    """A workspace with a folder (each picture twice, one broken, one linked) and some sites."""
    art = root / "art"
    art.mkdir(parents=True)
    for number in range(files // 2):
        (art / f"{number:03}.svg").write_bytes(svg(f"#{number:06x}"))
        (art / f"twin-{number:03}.svg").write_bytes(svg(f"#{number:06x}") + b"<!-- copy -->")
    (art / "broken.svg").write_bytes(b"<svg")
    (art / "link.svg").symlink_to("000.svg")
    sources = root / "sources"
    sources.mkdir()
    common = 'licence = "CC0-1.0"\nattribution = "us"\n'
    (sources / "folder.toml").write_text(f'name = "folder"\n{common}kind = "folder"\npath = "art"')
    for name, site in sites.items():
        (sources / f"{name}.toml").write_text(
            f'name = "{name}"\n{common}kind = "web"\nstart_urls = ["{site.url}/"]\n'
            'contact = "me@example.org"\nallow_loopback = true\ndelay_s = 0\n'
            f"concurrency = {CONCURRENCY}\n"
        )


def fill(site: Site, images: int, *, pause_s: float = 0.0) -> None:
    """A page that shows so many images, and five more that are not there."""
    site.shows(*(f"/{number}.png" for number in range(images + 5)))
    for number in range(images):
        body = png((number % 256, number // 256, 200))
        site.has(f"/{number}.png", slow(body, pause_s, ETag=f'"{number}"'))


def start(root: Path, url: str | None = None, *more: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "lowdiff.cli.app", "ingest", "--all", "--json", *more]
    env = {**os.environ, "LOWDIFF_WORKSPACE": str(root), "LOWDIFF_WORKERS": str(WORKERS)}
    if url is not None:
        env["LOWDIFF_CATALOG_URL"] = url
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err.decode()
    report: dict[str, Any] = json.loads(out)
    return report


def image_requests(site: Site) -> Counter[str]:
    return Counter(path for path in site.requests if path.endswith(".png"))


def facts(root: Path, url: str | None = None) -> list[list[tuple[Any, ...]]]:
    """All that the catalog says, without times and row numbers."""
    catalog = open_catalog(Workspace(root), url)
    try:
        with catalog.read() as session:
            found = [session.execute(text(query)).all() for query in FACTS]
    finally:
        catalog.close()
    return [[tuple(_timeless(value) for value in row) for row in rows] for rows in found]


def _timeless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("{", "[")):  # JSON, on SQLite
        value = json.loads(value)
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if key not in TIMES}
    return bool(value) if isinstance(value, bool) else value


def assert_store_is_whole(root: Path, url: str | None = None) -> None:
    """Every image of the catalog lies in the store, byte for byte."""
    store = open_store(root)
    images = facts(root, url)[0]
    assert images
    for row in images:
        assert sha256_hex(store.read(image_key(row[0], row[2]))) == row[0]
