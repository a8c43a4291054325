"""kill -9 at any moment and running again ends in the same facts as an undisturbed run."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lowdiff.catalog import open_catalog
from lowdiff.workspace import Workspace
from tests.ingest.conftest import Site, png, reply, serve_site, svg

pytestmark = pytest.mark.integration

FACTS = (
    "select id, pixel_hash, format, width_px, height_px, size_bytes, has_alpha, family_id "
    "from image order by id",
    "select image_id, source, url, page_url, licence, title, alt_text, tags, evidence "
    "from sighting order by source, url",
    "select source, url, reason, message from rejection order by source, url",
    "select source, url, state, image_id from fetch_queue order by source, url",
    "select a_id, b_id, kind, score from duplicate_edge order by a_id, b_id",
)
SOURCES = {
    "folder": 'kind = "folder"\npath = "art"\n',
    "site": (
        'kind = "web"\nstart_urls = ["{url}/"]\ncontact = "me@example.org"\n'
        "allow_loopback = true\ndelay_s = 0\nconcurrency = 4\n"
    ),
}


def lay_out(root: Path, url: str) -> None:
    art = root / "art"
    art.mkdir(parents=True)
    for number in range(50):
        (art / f"{number:03}.svg").write_bytes(svg(f"#{number:06x}"))
        (art / f"twin-{number:03}.svg").write_bytes(svg(f"#{number:06x}") + b"<!-- copy -->")
    (art / "broken.svg").write_bytes(b"<svg")
    (art / "link.svg").symlink_to("000.svg")
    sources = root / "sources"
    sources.mkdir()
    common = 'licence = "CC0-1.0"\nattribution = "us"\n'
    for name, rest in SOURCES.items():
        (sources / f"{name}.toml").write_text(f'name = "{name}"\n{common}' + rest.format(url=url))


def fill(site: Site) -> None:
    site.shows(*(f"/{number}.png" for number in range(60)))
    for number in range(55):  # the last five are not there
        site.has(f"/{number}.png", reply(png((number, 100, 200))))


def start(root: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "lowdiff.cli.app", "ingest", "--all", "--json"]
    env = {**os.environ, "LOWDIFF_WORKSPACE": str(root), "LOWDIFF_BATCH_SIZE": "50"}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(root: Path) -> dict[str, Any]:
    process = start(root)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    report: dict[str, Any] = json.loads(out)
    return report


def facts(root: Path) -> list[list[tuple[Any, ...]]]:
    catalog = open_catalog(Workspace(root))
    try:
        with catalog.read() as session:
            return [[tuple(row) for row in session.execute(text(query))] for query in FACTS]
    finally:
        catalog.close()


def test_kill_9_at_any_moment_and_running_again_ends_in_the_same_facts(tmp_path):
    with serve_site() as site:
        fill(site)
        lay_out(tmp_path / "calm", site.url)
        started = time.monotonic()
        report = finish(tmp_path / "calm")
        whole_s = time.monotonic() - started
        assert (report["new"], report["twins"], report["families"]) == (155, 50, 105)
        lay_out(tmp_path / "killed", site.url)
        moments = random.Random(7)
        for _ in range(4):
            process = start(tmp_path / "killed")
            time.sleep(moments.uniform(0.3, whole_s))
            process.kill()
            process.communicate()
        finish(tmp_path / "killed")
        assert facts(tmp_path / "killed") == facts(tmp_path / "calm")
        again = finish(tmp_path / "killed")
        assert (again["new"], again["known"], again["refused"]) == (0, 0, {})
