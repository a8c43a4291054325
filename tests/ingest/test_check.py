import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lowdiff.cli.app import app
from lowdiff.errors import InputError
from lowdiff.ingest.check import check_files, finds_below
from lowdiff.ingest.decoders import open_decoders
from lowdiff.ingest.folder import FolderItems
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.offered import Found
from tests.ingest.conftest import folder_source, png, svg

pytestmark = pytest.mark.integration


def verdicts(*paths: Path) -> list[dict[str, object]]:
    with open_decoders(2) as decoders:
        return list(check_files(paths, decoders=decoders, limits=Limits(), workers=2))


def test_verdicts_come_in_the_order_of_the_paths(tmp_path):
    for number in range(40):
        slow = number % 7 == 0
        body = png((number, 0, 0), (2000, 2000)) if slow else svg()
        (tmp_path / f"{number:02}").write_bytes(body)
    rows = verdicts(tmp_path / "39", tmp_path)
    assert [Path(str(row["path"])).name for row in rows] == ["39", *(f"{n:02}" for n in range(40))]
    assert {row["verdict"] for row in rows} == {"ok"}


def test_whatever_lies_in_a_folder_gets_a_line_of_its_own(tmp_path):
    os.mkfifo(tmp_path / "a_pipe")
    (tmp_path / "b_dangling").symlink_to("nowhere")
    (tmp_path / "c_loop").symlink_to("c_loop")
    (tmp_path / "d_empty").touch()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/e\xe4")).write_bytes(png((1, 2, 3)))
    (tmp_path / "f\nline.png").write_bytes(png((1, 2, 3)))
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "deep.svg").write_bytes(svg())
    reasons = {Path(str(row["path"])).name: row["reason"] for row in verdicts(tmp_path)}
    assert reasons == {
        "a_pipe": "not_a_file",
        "b_dangling": "unreadable",
        "c_loop": "unreadable",
        "d_empty": "empty_file",
        "e\\xe4": "bad_name",
        "f\nline.png": None,
        "deep.svg": None,
    }


def test_a_path_that_is_not_there_is_a_verdict_too(tmp_path):
    (row,) = verdicts(tmp_path / "gone")
    assert (row["verdict"], row["reason"]) == ("rejected", "unreadable")


def test_a_folder_that_cannot_be_listed_is_told(tmp_path):
    (tmp_path / "z.png").write_bytes(png((1, 2, 3)))
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):  # so deep that its path is too long: not even root can list that
        os.mkdir("x" * 250, dir_fd=here)
        deeper = os.open("x" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    [picture, refusal] = finds_below([tmp_path])
    assert picture == tmp_path / "z.png"
    assert isinstance(refusal, InputError)
    assert refusal.reason == "folder_unreadable"
    assert "too long" in str(refusal)
    source = folder_source(str(tmp_path))
    [offered, refused] = FolderItems(source, tmp_path).found()
    assert isinstance(offered, Found)
    assert isinstance(refused, InputError)
    assert refused.reason == "folder_unreadable"


def test_every_ugly_file_has_its_verdict_and_a_sentence(test_data: Path):
    lines = (test_data / "ugly/manifest.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    expected = {row["file"]: row["expected"] for row in rows}
    paths = [test_data / name for name in expected]
    words = ["ingest", "check", *map(str, paths), "--json"]
    result = CliRunner().invoke(app, words)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["path"] for row in found] == list(map(str, paths))
    assert result.exit_code == 3
    allowed = {
        "ok": {"ok"},
        "first_frame_ok": {"ok"},
        "reject": {"rejected"},
        "ok_or_unsupported": {"ok", "rejected"},
    }
    wrong = [
        row
        for row, wanted in zip(found, expected.values(), strict=True)
        if row["verdict"] not in allowed[wanted]
    ]
    assert wrong == []
    assert len(found) == 82
    assert {row["verdict"] for row in found} == {"ok", "rejected"}
    for row in found:
        if row["verdict"] == "rejected":
            problem = row["message"].removeprefix(f"{row['path']}: ")
            assert len(problem.split()) >= 4, row
            assert not any(sign in problem for sign in ("Error", "<class", "b'", "0x", "\n")), row
