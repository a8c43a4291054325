"""The layout of the demo corpus, on a small package of the same form as OpenMoji's."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.errors import ContractError, ServiceError
from lowdiff.ingest.demo_corpus import (
    OWN_SHARE,
    PER_PAGE,
    RACCOON,
    belongs_to_us,
    choose,
    gallery_page,
    lay_out_openmoji,
)
from lowdiff.ingest.links import read_page
from lowdiff.ingest.npm import npm_command
from lowdiff.ingest.openmoji import (
    ATTRIBUTION,
    OPENMOJI,
    Graphic,
    bring_openmoji,
    corpus_folder,
    read_graphics,
)
from lowdiff.workspace import Workspace
from tests.ingest.conftest import svg

CODES = [RACCOON, *(f"{number:05X}" for number in range(0x1F300, 0x1F300 + 199))]


def graphics(codes: list[str]) -> list[Graphic]:
    return [Graphic(code, f"no. {code}", "things", (), Path(code)) for code in codes]


@pytest.fixture
def brought(workspace: Workspace) -> Workspace:
    """A workspace in which the package is already there."""
    package = corpus_folder(workspace) / "package"
    (package / "color" / "svg").mkdir(parents=True)
    (package / "data").mkdir()
    rows = []
    for number, code in enumerate([*CODES, "1F44B-1F3FB"]):
        (package / "color" / "svg" / f"{code}.svg").write_bytes(svg(f"#{number:06x}"))
        skin = "1" if "-1F3FB" in code else ""
        rows.append(
            {"hexcode": code, "annotation": f"no. {number} <&>", "group": "things",
             "tags": "a, b", "openmoji_tags": "b, c", "skintone": skin}
        )  # fmt: skip
    (package / "data" / "openmoji.json").write_text(json.dumps(rows))
    known = {"name": OPENMOJI.name, "version": OPENMOJI.version, "integrity": OPENMOJI.integrity}
    (package / "brought.json").write_text(json.dumps(known))
    return workspace


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_larger_count_only_adds_images(some, more):
    few, many = (
        {one.hexcode for one in choose(graphics(CODES), count)} for count in sorted((some, more))
    )
    assert few <= many
    assert RACCOON in few
    assert len(many) == max(some, more)


def test_about_six_in_ten_are_our_own():
    share = sum(map(belongs_to_us, CODES)) / len(CODES)
    assert abs(share - OWN_SHARE) < 0.1


def test_the_layout_has_no_skin_tones_and_every_image_once(brought):
    assert "1F44B-1F3FB" not in {one.hexcode for one in read_graphics(bring_openmoji(brought))}
    layout = lay_out_openmoji(brought, 200)
    root = corpus_folder(brought)
    own = {path.name for path in (root / "own").glob("*.svg")}
    shown = {path.name for path in (root / "gallery" / "images").glob("*.svg")}
    assert (len(own), len(shown)) == (layout.own, layout.gallery)
    assert own | shown == {f"{code}.svg" for code in CODES}
    assert not own & shown
    index = json.loads((root / "own" / "index.json").read_text())
    assert {row["file"] for row in index} == own
    assert index[0]["tags"] == ["a", "b", "c"]


def test_laying_out_again_changes_nothing_and_another_count_what_it_must(brought):
    lay_out_openmoji(brought, 100)
    root = corpus_folder(brought)
    once = files(root)
    assert lay_out_openmoji(brought, 100).own > 0
    assert files(root) == once
    lay_out_openmoji(brought, 40)
    lay_out_openmoji(brought, 100)
    assert files(root) == once


def test_every_gallery_image_is_on_a_page_with_its_alternative_text(brought):
    lay_out_openmoji(brought, 200)
    gallery = corpus_folder(brought) / "gallery"
    pages = sorted(gallery.glob("page-*.html"))
    shown = {}
    for path in pages:
        page = read_page(path.read_bytes(), url=f"http://x/{path.name}")
        assert len(page.images) <= PER_PAGE
        assert {link.rpartition("/")[2] for link in page.links} >= {one.name for one in pages}
        shown.update({image.url.rpartition("/")[2]: image.alt_text for image in page.images})
    assert set(shown) == {path.name for path in (gallery / "images").glob("*.svg")}
    assert all(text and text.endswith("<&>") for text in shown.values())
    assert (gallery / "index.html").read_bytes() == (gallery / "page-1.html").read_bytes()


def test_the_attribution_is_on_every_page():
    assert ATTRIBUTION in gallery_page(graphics(CODES[:2]), number=1, last=1)


def test_a_source_file_that_a_person_has_changed_is_left_alone(brought):
    lay_out_openmoji(brought, 10, port=9999)
    path = brought.sources / "openmoji-gallery.toml"
    assert "127.0.0.1:9999" in path.read_text(encoding="utf-8")
    path.write_text("# mine")
    lay_out_openmoji(brought, 10)
    assert path.read_text() == "# mine"


def fake_npm(folder: Path, script: str) -> None:
    path = folder / "npm"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("echo 'no network' >&2; exit 1", ServiceError, "no network"),
        ("echo nonsense", ServiceError, "answer cannot be read"),
        (
            'echo x > "$5/x.tgz"; echo \'[{"filename": "x.tgz", "integrity": "sha512-x"}]\'',
            ContractError,
            "another package",
        ),
    ],
)
def test_an_npm_that_fails_or_lies_leaves_nothing_behind(
    workspace, tmp_path, monkeypatch, script, error, words
):
    fake_npm(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(error, match=words):
        bring_openmoji(workspace)
    assert files(corpus_folder(workspace)) == {}


@pytest.mark.nightly
@pytest.mark.integration
def test_npm_brings_openmoji_with_its_licence(workspace):
    try:
        subprocess.run([npm_command(), "ping"], check=True, capture_output=True, timeout=60)
    except (ServiceError, subprocess.SubprocessError):
        pytest.skip("npm or its registry cannot be reached")
    layout = lay_out_openmoji(workspace, 2465)
    assert layout.own + layout.gallery == 2465
    root = corpus_folder(workspace)
    assert "Attribution-ShareAlike 4.0" in (root / "LICENSE.txt").read_text(encoding="utf-8")
    assert ATTRIBUTION in (root / "ATTRIBUTION.txt").read_text(encoding="utf-8")
    assert any(one.title == "raccoon" for one in read_graphics(root / "package"))
