"""Ten crawls of one catalog at once: each item is fetched once, and nothing is lost."""

from pathlib import Path

import pytest

from tests.ingest.conftest import serve_site
from tests.ingest.running import (
    assert_store_is_whole,
    facts,
    fill,
    finish,
    image_requests,
    lay_out,
    start,
)

pytestmark = pytest.mark.integration


def test_ten_crawls_at_once_on_sqlite_do_not_step_on_each_other(tmp_path):
    prove_that_ten_get_on(tmp_path, None)


def test_ten_crawls_at_once_on_postgresql_do_not_step_on_each_other(tmp_path, new_postgres):
    prove_that_ten_get_on(tmp_path, new_postgres())


def prove_that_ten_get_on(tmp_path: Path, url: str | None) -> None:
    # two sites show the same pictures, and the folder's twins come at the same moment
    with serve_site() as one, serve_site() as other:
        sites = {"one": one, "other": other}
        for site in sites.values():
            fill(site, 120, pause_s=0.01)
        lay_out(tmp_path / "alone", sites, files=60)
        lay_out(tmp_path / "ten", sites, files=60)
        report = finish(start(tmp_path / "alone"))
        once = {name: image_requests(site) for name, site in sites.items()}
        for site in sites.values():
            site.requests.clear()
        crowd = [start(tmp_path / "ten", url) for _crawl in range(10)]
        reports = [finish(process) for process in crowd]
        for name, site in sites.items():
            assert image_requests(site) == once[name]
    for what in ("new", "known", "failed"):
        assert sum(each[what] for each in reports) == report[what]
    assert facts(tmp_path / "ten", url) == facts(tmp_path / "alone")
    assert_store_is_whole(tmp_path / "ten", url)
