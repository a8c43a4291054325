"""Scanning a folder: pairs with their relation, and broken files told and passed over."""

import os
import time
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.brand_templates import EDITS, Fill, render, template_of
from lowdiff.dedupe.scan import Pair, scan
from lowdiff.errors import InputError
from lowdiff.ingest.decode import decode, sniff_format


def read(path: Path) -> Image.Image:
    body = path.read_bytes()
    return decode(body, sniff_format(body, item=str(path)), item=str(path))


@pytest.fixture
def folder(tmp_path):
    template = template_of(1)
    image = render(template, Fill(0))
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.webp", lossless=True)
    EDITS["jpeg30"](image, None).resize((384, 216)).save(tmp_path / "c.jpg", quality=60)
    render(template_of(8), Fill(5)).save(tmp_path / "other.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return tmp_path


@pytest.mark.parametrize("workers", [1, 2])
def test_a_scan_tells_pairs_and_passes_over_what_is_broken(folder, workers):
    refused: list[tuple[Path, InputError]] = []
    steps: dict[str, list[int]] = {}
    pairs = list(
        scan(
            sorted(folder.iterdir()),
            read=read,
            refused=lambda path, error: refused.append((path, error)),
            progress=lambda step, done, _all: steps.setdefault(step, []).append(done),
            workers=workers,
        )
    )
    assert Pair(folder / "a.png", folder / "b.webp", "exact", 1.0) in pairs
    near = [(pair.a.name, pair.b.name) for pair in pairs if pair.relation == "near"]
    assert near == [("a.png", "c.jpg")]
    assert not [pair for pair in pairs if "other.png" in (pair.a.name, pair.b.name)]
    assert [path.name for path, _error in refused] == ["broken.png"]
    assert steps["read"] == [1, 2, 3, 4, 5]
    assert steps["compare"][-1] >= 1


def deadly(path: Path) -> Image.Image:
    """Reads as `read` does, but hangs in one file and ends its process in another."""
    if path.name == "hangs.png":
        time.sleep(600)
    if path.name == "kills.png":
        os._exit(9)
    return read(path)


def test_files_that_hang_or_kill_their_reader_are_refused_and_the_rest_is_found(folder):
    (folder / "hangs.png").write_bytes((folder / "a.png").read_bytes())
    (folder / "kills.png").write_bytes((folder / "a.png").read_bytes())
    refused: list[str] = []
    pairs = list(
        scan(
            sorted(folder.iterdir()),
            read=deadly,
            refused=lambda path, error: refused.append(f"{path.name} {error.reason}"),
            workers=2,
            limit_s=5,
        )
    )
    assert sorted(refused)[1:] == ["hangs.png decoder_died", "kills.png decoder_died"]
    assert sorted((pair.b.name, pair.relation) for pair in pairs) == [
        ("b.webp", "exact"),
        ("c.jpg", "near"),
    ]


def test_a_scan_of_nothing_finds_nothing():
    assert list(scan([], read=read, workers=1)) == []
