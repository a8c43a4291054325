"""kill -9 at any moment and running again ends in the same facts as an undisturbed run."""

import random
import time
from pathlib import Path

import pytest

from lowdiff.ingest.ingest import BATCH
from tests.ingest.conftest import Site, serve_site
from tests.ingest.running import (
    CONCURRENCY,
    WORKERS,
    assert_store_is_whole,
    facts,
    fill,
    finish,
    image_requests,
    lay_out,
    start,
)

pytestmark = pytest.mark.integration

PAUSE_S = 0.02
"""How long the site thinks: there is something to kill."""


def test_twenty_kills_at_random_moments_lose_nothing_and_repeat_little(tmp_path):
    prove_that_kills_do_no_harm(tmp_path, kills=20, images=300, seed=7)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_hundred_kills_at_random_moments_lose_nothing_and_repeat_little(tmp_path):
    prove_that_kills_do_no_harm(tmp_path, kills=100, images=1500, seed=8)


def prove_that_kills_do_no_harm(tmp_path: Path, *, kills: int, images: int, seed: int) -> None:
    with serve_site() as site:
        fill(site, images, pause_s=PAUSE_S)
        lay_out(tmp_path / "calm", {"site": site}, files=100)
        lay_out(tmp_path / "killed", {"site": site}, files=100)
        report = finish(start(tmp_path / "calm"))
        # all images of the site and the folder's, among whose 101 names are 50 twins and a link
        assert (report["new"], report["known"], report["twins"]) == (images + 100, 1, 50)
        once = image_requests(site)
        site.requests.clear()
        moments = random.Random(seed)
        for _kill in range(kills):
            kill_somewhen(tmp_path / "killed", site, moments, images // kills)
        finish(start(tmp_path / "killed"))
        repeated = image_requests(site) - once
        assert image_requests(site).keys() == once.keys()
        assert repeated.total() <= kills * (WORKERS + CONCURRENCY + BATCH)
        assert facts(tmp_path / "killed") == facts(tmp_path / "calm")
        assert_store_is_whole(tmp_path / "killed")
        site.requests.clear()
        again = finish(start(tmp_path / "killed"))
        assert (again["new"], again["known"], again["refused"]) == (0, 0, {})
        assert image_requests(site).total() == 0


def kill_somewhen(root: Path, site: Site, moments: random.Random, most: int) -> None:
    """While it starts, or after some requests and a little more."""
    before = image_requests(site).total()
    wanted = moments.randint(0, most)
    process = start(root)
    deadline = time.monotonic() + 20
    while image_requests(site).total() - before < wanted and time.monotonic() < deadline:
        if process.poll() is not None:
            break
        time.sleep(0.005)
    time.sleep(moments.uniform(0, 0.2 if wanted else 1.5))
    process.kill()
    process.communicate()
