"""`lowdiff ocr` as it is typed: what goes to stdout, what to stderr, and the exit codes."""

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from lowdiff.cli.app import app
from lowdiff.errors import InputError
from tests.ocr.conftest import png

pytestmark = pytest.mark.integration


@pytest.fixture
def here(written, tmp_path: Path, monkeypatch) -> Path:
    """A folder to stand in, with a picture, a broken one, and a workspace of one source."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOWDIFF_WORKSPACE", "")  # the command sets it; this puts it back
    monkeypatch.setenv("LOWDIFF_OCR_ENGINES", "tesseract")
    (tmp_path / "art").mkdir()
    (tmp_path / "art" / "a.png").write_bytes(png(written("HARBOUR")))
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "data" / "sources").mkdir(parents=True)
    (tmp_path / "data" / "sources" / "art.toml").write_text(
        'name = "art"\nkind = "folder"\nlicence = "CC0-1.0"\nattribution = "us"\npath = "../art"\n'
    )
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["-w", "data", *words])


def test_good_files_are_documents_and_bad_ones_messages(here):
    result = call("ocr", "read", "art", "empty.png", "gone.png", "--json")
    assert result.exit_code == 3
    (document,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (document["path"], document["text"]) == ("art/a.png", "HARBOUR")
    assert document["languages"] == ["eng"]
    assert "empty.png: is empty" in result.stderr
    assert "gone.png: cannot be read" in result.stderr
    assert not (here / "data" / "catalog.sqlite").exists()


def test_a_picture_is_drawn_beside_us_without_being_told_where(here):
    assert call("ocr", "show", "art/a.png").exit_code == 0
    page = (here / "a.ocr.html").read_text()
    assert ">HARBOUR</span>" in page
    assert call("ocr", "show", "art/a.png", "--out", "drawn/words.png").exit_code == 0
    with Image.open(here / "drawn" / "words.png") as drawn:
        assert drawn.size == (400, 200)
    printed = call("ocr", "show", "art/a.png", "--json")
    assert json.loads(printed.stdout)["text"] == "HARBOUR"


def test_a_workspace_is_read_once_found_and_shown(here):
    assert call("ingest", "art").exit_code == 0
    (report,) = [json.loads(line) for line in call("ocr", "--json").stdout.splitlines()]
    assert (report["read"], report["with_text"], report["refused"]) == (1, 1, 0)
    (again,) = [json.loads(line) for line in call("ocr", "--retry", "--json").stdout.splitlines()]
    assert again["read"] == 0
    (hit,) = [
        json.loads(line) for line in call("ocr", "find", "harb", "--json").stdout.splitlines()
    ]
    assert call("ocr", "show", hit["image_id"][:8]).exit_code == 0
    assert (here / f"{hit['image_id'][:8]}.ocr.html").exists()
    assert call("ocr", "export", "alto", "--format", "alto").exit_code == 0
    assert [path.name for path in (here / "alto").iterdir()] == [f"{hit['image_id']}.alto.xml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("read", "art/a.png", "--languages", "eng,tlh"), "apt-get install tesseract-ocr-tlh"),
        (("show", "art"), "is no regular file"),
        (("show", "nothing"), "no image"),
        (("export", "texts.doc"), "allowed jsonl, parquet, hocr, alto"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(here, words, said):
    result = call("ocr", *words)
    assert isinstance(result.exception, InputError)
    assert said in str(result.exception)
