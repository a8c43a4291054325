import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lowdiff.cli.app import app
from tests.ingest.conftest import Site, png, reply
from tests.ingest.test_archive import pack

pytestmark = pytest.mark.integration
HEAD = 'name = "one"\nlicence = "{licence}"\nattribution = "us"\nkind = "{kind}"\n'


def check(folder: Path, kind: str, keys: str, *words: str, licence: str = "CC0-1.0") -> Any:
    path = folder / "one.toml"
    path.write_text(HEAD.format(kind=kind, licence=licence) + keys, encoding="utf-8")
    result = CliRunner().invoke(
        app, ["-w", str(folder / "none"), "source", "check", str(path), "--json", *words]
    )
    assert result.exit_code == 0, result.exception
    assert not (folder / "none").exists()
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def no_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOWDIFF_WORKSPACE", "")


def test_a_folder_is_counted_by_ending_and_what_will_be_refused_is_told(tmp_path):
    art = tmp_path / "art"
    art.mkdir()
    (art / "a.png").write_bytes(png((1, 2, 3)))
    (art / "b.PNG").write_bytes(png((1, 2, 4)))
    (art / "empty.svg").write_bytes(b"")
    (art / "big.svg").write_bytes(bytes(2000))
    said = check(tmp_path, "folder", f'path = "{art}"\n[limits]\nmax_mb = 0.001\n')
    assert said["endings"] == {".png": 2, ".svg": 2}
    assert said["items"] == 4
    assert said["bytes"] == sum(file.stat().st_size for file in art.iterdir())
    assert said["refused"] == {"too_big": 1, "empty_file": 1}
    assert said["first"][0] == {"item": "a.png"}


def test_a_link_that_leads_to_nothing_is_told_before_anything_is_fetched(tmp_path):
    art = tmp_path / "art"
    art.mkdir()
    (art / "a.png").write_bytes(png((1, 2, 3)))
    (art / "b.png").symlink_to("nowhere.png")
    said = check(tmp_path, "folder", f'path = "{art}"\n')
    assert said["refused"] == {"unreadable": 1}
    assert said["refusals"][0].startswith("b.png: leads to nothing")


def test_an_archive_is_looked_at_without_a_trace(tmp_path):
    path = pack(tmp_path / "x.tar.gz", {"a.png": png((1, 2, 3)), "../b.png": b"x"})
    said = check(tmp_path, "archive", f'path = "{path}"\n', licence="unknown")
    assert (said["items"], said["refused"]) == (1, {"unsafe_name": 1})
    assert (said["licence"], said["unknown_licences"]) == ("NOASSERTION", 1)


def test_a_list_is_checked_and_its_sites_are_asked_for_their_rules_only(site: Site, tmp_path):
    site.has("/robots.txt", reply(b"User-agent: *\nDisallow: /no\n"))
    path = tmp_path / "list.csv"
    rows = [f"{site.url}/{name}.png,{name}" for name in ("no", "b", "b")]
    path.write_text("\n".join(["url,text", *rows, "nonsense,x"]))
    keys = f'path = "{path}"\ncontact = "me@example.org"\nallow_loopback = true\ndelay_s = 0.0\n'
    keys += '[columns]\ncaption = "text"\n'
    said = check(tmp_path, "urls", keys)
    assert (said["items"], said["duplicates"], said["bytes"]) == (2, 1, None)
    assert said["refused"] == {"bad_url": 1}
    assert said["first"][0] == {"item": f"{site.url}/no.png", "caption": "no"}
    (host,) = said["hosts"]
    assert (host["host"], host["items"]) == ("127.0.0.1", 2)
    assert host["robots"].startswith("robots_disallow")
    assert set(site.requests) == {"/robots.txt", "/.well-known/tdmrep.json"}


def test_a_site_is_asked_for_its_rules_unless_offline(site: Site, tmp_path):
    keys = f'start_urls = ["{site.url}/"]\ncontact = "me@example.org"\nallow_loopback = true\n'
    said = check(tmp_path, "web", keys, "--offline")
    assert (said["items"], said["hosts"][0]["robots"]) == (None, "not asked")
    assert site.requests == []
    assert check(tmp_path, "web", keys)["hosts"][0]["robots"] == "allowed"
    site.has("/robots.txt", reply(b"", 503))
    assert "allowed" not in check(tmp_path, "web", keys)["hosts"][0]["robots"]


def test_a_person_reads_it_in_a_few_lines(tmp_path):
    (tmp_path / "a.png").write_bytes(png((1, 2, 3)))
    path = tmp_path / "one.toml"
    path.write_text(HEAD.format(kind="bucket", licence="unknown") + f'url = "file://{tmp_path}"\n')
    result = CliRunner().invoke(app, ["source", "check", str(path)])
    assert f"bucket file://{tmp_path}, NOASSERTION, us" in result.stdout
    assert "2 items" in result.stdout
    assert "2 of unknown licence: kept, but not used" in result.stdout


def test_a_pipe_is_refused_and_nothing_at_all_is_told(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    said = check(tmp_path, "folder", f'path = "{tmp_path}"\nglob = ["*.png"]\n')
    assert (said["items"], said["refused"]) == (0, {"not_a_file": 1})
    result = CliRunner().invoke(app, ["source", "check", str(tmp_path / "one.toml")])
    assert "nothing to bring" in result.stdout
