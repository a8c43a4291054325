import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lowdiff.cli.app import app
from lowdiff.errors import InputError
from tests.ingest.conftest import png, reply

pytestmark = pytest.mark.integration


def call(root: Path, *words: object) -> Result:
    return CliRunner().invoke(app, ["-w", str(root), *map(str, words)])


def records(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", "")  # the command sets it; this puts it back
    root = tmp_path / "space"
    (root / "sources").mkdir(parents=True)
    (root / "art").mkdir()
    (root / "art" / "a.png").write_bytes(png((1, 2, 3)))
    (root / "art" / "bad.png").write_bytes(b"nothing")
    (root / "sources" / "art.toml").write_text(
        'name = "art"\nkind = "folder"\nlicence = "CC0-1.0"\nattribution = "us"\npath = "art"\n'
    )
    return root


@pytest.mark.parametrize("words", [["art"], ["--all"], ["run", "art"]])
def test_ingest_reports_one_json_object(root, words):
    (report,) = records(call(root, "ingest", *words, "--json"))
    assert report == {
        "sources": ["art"], "offered": 2, "refused_pages": 0, "failed_pages": 0,
        "new": 1, "known": 0, "unchanged": 0, "refused": {"not_an_image": 1}, "failed": 0,
        "later": 0, "retry_at": None, "given_up": 0, "images": 1, "families": 1, "twins": 0,
    }  # fmt: skip
    (refused,) = records(call(root, "ingest", "rejections", "--json"))
    assert (refused["url"], refused["reason"]) == ("bad.png", "not_an_image")
    (listed,) = records(call(root, "source", "list", "--json"))
    assert listed["finds"] == {"done": 1, "rejected": 1}


def test_a_person_reads_what_came_in_and_what_to_do(root):
    result = call(root, "ingest", "art")
    assert "1 new images" in result.stdout
    assert "1 refused: not_an_image 1" in result.stdout
    assert "lowdiff ingest rejections" in result.stderr


def test_pages_that_failed_are_told_and_come_with_the_next_run(root, site):
    site.has("/", reply(b'<img src="/a.png"><a href="/more">', Content_Type="text/html"))
    site.has("/a.png", reply(png((1, 2, 3)), Content_Type="image/png"))
    site.has("/more", reply(b"", 500))
    (root / "sources" / "art.toml").write_text(
        f'name = "art"\nkind = "web"\nlicence = "CC0-1.0"\nattribution = "us"\n'
        f'contact = "me@example.org"\nstart_urls = ["{site.url}/"]\nfollow = ["/more"]\n'
        "delay_s = 0\nallow_loopback = true\n"
    )
    (report,) = records(call(root, "ingest", "art", "--json"))
    assert (report["new"], report["failed_pages"], report["failed"]) == (1, 1, 0)
    assert "1 pages failed, to be tried again" in call(root, "ingest", "art").stdout
    site.has("/more", reply(b"nothing to see", Content_Type="text/html"))
    (report,) = records(call(root, "ingest", "art", "--json"))
    assert report["failed_pages"] == 0


def test_ingest_without_a_source_is_wrong_usage(root):
    assert call(root, "ingest", "run").exit_code == 2
    assert call(root, "ingest", "art", "--all").exit_code == 2


def test_an_unknown_source_is_wrong_input(root):
    assert isinstance(call(root, "ingest", "arts").exception, InputError)


def test_check_gives_a_verdict_on_every_file_without_a_workspace(root, tmp_path):
    good = root / "art" / "a.png"
    result = call(tmp_path / "none", "ingest", "check", root / "art", root / "gone.png", "--json")
    assert result.exit_code == 3
    verdicts = {Path(str(row["path"])).name: row for row in records(result)}
    assert verdicts["a.png"] == {
        "path": str(good), "verdict": "ok", "reason": None, "message": None, "format": "png",
        "width_px": 8, "height_px": 8, "embedded": {},
    }  # fmt: skip
    assert verdicts["bad.png"]["reason"] == "not_an_image"
    assert verdicts["gone.png"]["reason"] == "unreadable"
    assert call(root, "ingest", "check", good).exit_code == 0
    assert not (tmp_path / "none").exists()


def test_source_check_says_what_is_wrong(root):
    path = root / "sources" / "art.toml"
    assert records(call(root, "source", "check", path, "--json"))[0]["source"] == "art"
    path.write_text(path.read_text() + "speed = 3\n")
    assert "speed" in str(call(root, "source", "check", path).exception)
    path.write_text(path.read_text().replace("speed = 3\n", "").replace('"art"\n', '"nope"\n'))
    assert "nope" in str(call(root, "source", "check", path).exception)


def test_a_source_that_is_wrong_does_not_stop_the_others(root):
    more = root / "sources" / "abroad.toml"
    more.write_text((root / "sources" / "art.toml").read_text().replace('"art"', '"abroad"'))
    result = call(root, "ingest", "--all", "--json")
    assert records(result)[0]["new"] == 1
    assert isinstance(result.exception, InputError)
    assert "abroad" in str(result.exception)


def test_a_wrong_file_matters_only_to_its_own_source(root):
    wrong = root / "sources" / "wrong.toml"
    wrong.write_text("speed = 3\n")
    assert records(call(root, "ingest", "art", "--json"))[0]["new"] == 1
    assert "wrong.toml" in str(call(root, "ingest", "wrong").exception)
    assert "wrong.toml" in str(call(root, "ingest", "--all").exception)
    result = call(root, "source", "check", wrong, root / "sources" / "art.toml", "--json")
    assert records(result)[0]["source"] == "art"
    assert "wrong.toml" in str(result.exception)


def test_who_has_no_source_is_told_how_to_write_one(tmp_path, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", "")
    for words in (("source", "list"), ("ingest", "--all")):
        result = call(tmp_path, *words)
        assert 'kind = "folder"' in result.stderr + str(result.exception)
