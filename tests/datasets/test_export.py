import hashlib
import io
import itertools
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from sqlalchemy import select

from lowdiff.catalog.tables import DatasetItem, DatasetVersion
from lowdiff.catalog.tables import Image as ImageRow
from lowdiff.datasets.identity import version_digest
from lowdiff.datasets.lock import exclusive
from lowdiff.datasets.read import open_version
from lowdiff.datasets.render import render_png
from lowdiff.errors import ContractError, InputError, ServiceError
from lowdiff.labels.schema import load_schema
from tests.datasets.conftest import export_from
from tests.datasets.corpus import draw_corpus, drawn_png, drawn_svg, keep, say


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_workspaces_with_the_same_facts_export_the_same_bytes(
    catalog, store, workspace, second
):
    draw_corpus(catalog, store, range(70))
    draw_corpus(second[0], second[1], reversed(range(70)))
    one = export_from(catalog, store, workspace).version
    two = export_from(*second, workers=1).version
    assert files_of(one.folder) == files_of(two.folder)


def test_the_rows_say_what_the_catalog_says(catalog, store, export):
    draw_corpus(catalog, store, range(12))
    image_id = keep(catalog, store, drawn_png(99), title="gold bar")
    say(catalog, image_id, "caption", "A bar of gold.", human="ann@example.org")
    exported = export()
    assert exported.is_new
    version = exported.version
    rows = {
        row["image_id"]: row
        for split in version.splits
        for row in version.read(split).to_dict("records")
    }
    row = rows[image_id]
    assert row["caption"] == "A bar of gold."
    assert (row["caption_origin"], row["caption_by"]) == ("human", "ann@example.org")
    assert (row["background"], row["background_origin"]) == ("transparent", "rule")
    assert row["background_confidence"] == 0.99
    assert pd.isna(row["layout"])  # a draft below the accepted confidence
    assert (row["source"], row["licence"], row["title"]) == ("drawings", "CC0-1.0", "gold bar")
    assert list(row["tags"]) == ["drawn", "gold"]
    assert (row["width_px"], row["height_px"], row["format"]) == (90, 60, "png")
    with Image.open(io.BytesIO(row["image"]["bytes"])) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (48, 32))
        assert picture.getpixel((47, 31)) == (255, 255, 255)
    counts = version.manifest["counts"]
    assert counts["images"] == 13
    assert counts["with_human_labels"] == 1
    assert counts["fields"]["caption"] == {"human": 1, "machine": 12, "none": 0}
    assert counts["fields"]["layout"]["none"] == 13


def test_an_svg_is_drawn_at_the_size_of_the_dataset():
    body = drawn_svg(4)
    png = render_png(body, "svg", image_id="x", image_px=100)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (100, 100)


def test_rows_are_ordered_by_id_and_every_image_is_in_one_split(catalog, store, export):
    ids = draw_corpus(catalog, store, range(30))
    version = export().version
    found = [version.read(split, ["image_id"])["image_id"].tolist() for split in version.splits]
    assert all(split == sorted(split) for split in found)
    assert sorted(itertools.chain(*found)) == sorted(ids)
    assert version.splits == ["train", "validation", "test"]


def test_only_images_with_an_accepted_caption_and_without_a_flag_come_in(catalog, store, export):
    good = draw_corpus(catalog, store, range(3))
    keep(catalog, store, drawn_png(50), title="unsure", confidence=0.5)
    keep(catalog, store, drawn_png(51), title="silent", caption=None)
    refused = keep(catalog, store, drawn_png(52), title="refused")
    say(catalog, refused, "flags", ["unusable"], human="ann@example.org")
    version = export().version
    members = [i for s in version.splits for i in version.read(s, ["image_id"])["image_id"]]
    assert sorted(members) == sorted(good)


def test_nothing_new_makes_no_new_version(catalog, store, export):
    draw_corpus(catalog, store, range(12))
    first = export()
    again = export()
    assert (first.is_new, again.is_new) == (True, False)
    assert again.version.folder == first.version.folder
    with catalog.read() as session:
        assert len(session.scalars(select(DatasetVersion)).all()) == 1
        assert len(session.scalars(select(DatasetItem)).all()) == 12


def test_a_correction_makes_the_next_version_and_keeps_every_split(catalog, store, export):
    ids = draw_corpus(catalog, store, range(40))
    first = export().version
    say(catalog, ids[0], "caption", "Something else.", human="ann@example.org")
    draw_corpus(catalog, store, range(40, 80))
    second = export().version
    assert (second.number, second.manifest["parent_digest"]) == (2, first.digest)
    splits = {
        version.number: {
            image: split
            for split in version.splits
            for image in version.read(split, ["image_id"])["image_id"]
        }
        for version in (first, second)
    }
    assert {image: splits[2][image] for image in ids} == splits[1]
    with catalog.read() as session:
        kept = {row.id: row.split for row in session.scalars(select(ImageRow))}
    assert kept == splits[2]


def test_labels_that_go_back_lead_back_to_the_old_version(catalog, store, export):
    ids = draw_corpus(catalog, store, range(12))
    first = export().version
    flagged = ids[0]
    say(catalog, flagged, "flags", ["unusable"], human="ann@example.org")
    assert export().version.number == 2
    say(catalog, flagged, "flags", [], human="ann@example.org")
    third = export()
    # the person's "no flag" is itself a fact of the row, so this is a third version
    assert third.is_new
    assert third.version.number == 3
    assert third.version.digest != first.digest


def test_families_that_became_one_share_the_strictest_split(catalog, store, export):
    ids = draw_corpus(catalog, store, range(60))
    first = export().version
    test_image = first.read("test", ["image_id"])["image_id"][0]
    train_image = first.read("train", ["image_id"])["image_id"][0]
    with catalog.write() as session:
        for image_id in (test_image, train_image):
            session.get_one(ImageRow, image_id).family_id = "f" * 64
    exported = export()
    assert exported.moved == {train_image: ("train", "test")}
    assert train_image in set(exported.version.read("test", ["image_id"])["image_id"])
    assert len(ids) == exported.version.manifest["counts"]["images"]


def test_an_empty_dataset_says_what_to_do(export):
    with pytest.raises(InputError, match=r"nothing to export.*lowdiff draft"):
        export()


def test_lost_files_are_written_again_with_the_same_bytes(catalog, store, export):
    draw_corpus(catalog, store, range(12))
    version = export().version
    before = files_of(version.folder)
    for path in sorted(version.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    version.folder.rmdir()
    again = export()
    assert not again.is_new
    assert files_of(again.version.folder) == before


def test_a_version_is_read_only(catalog, store, export):
    draw_corpus(catalog, store, range(12))
    folder = export().version.folder
    modes = {path.stat().st_mode & 0o222 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0}


def test_a_lost_original_stops_the_export_and_leaves_no_version(catalog, store, workspace, export):
    draw_corpus(catalog, store, range(12))
    next(workspace.root.glob("images/*/*/*")).unlink()
    with pytest.raises(ContractError, match="missing from the store"):
        export()
    assert not list(workspace.datasets.glob("brand/*"))


def test_a_full_disk_is_one_clear_message_and_the_next_export_is_whole(
    catalog, store, workspace, export
):
    draw_corpus(catalog, store, range(12))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(ServiceError, match="Free the disk"):
            export()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(workspace.datasets.glob("brand/*"))
    assert export().version.number == 1


def test_one_export_at_a_time(catalog, store, workspace, export):
    draw_corpus(catalog, store, range(3))
    with exclusive(workspace.datasets), pytest.raises(ServiceError, match="under way"):
        export()
    assert export().is_new


EXPORT = """
import sys
from pathlib import Path
from lowdiff.catalog import open_catalog
from lowdiff.store import open_store
from lowdiff.workspace import Workspace
from tests.datasets.conftest import export_from
workspace = Workspace(Path(sys.argv[1]))
export_from(open_catalog(workspace), open_store(workspace.root), workspace, image_px=300,
            workers=1, advance=lambda n: print(n, flush=True))
"""


def test_killed_in_the_middle_and_run_again_it_is_the_same_version(
    catalog, store, workspace, second
):
    draw_corpus(catalog, store, range(100))
    draw_corpus(second[0], second[1], range(100))
    command = [sys.executable, "-c", EXPORT, str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline().strip() == "64"  # one row group is on its way to the disk
        os.kill(killed.pid, signal.SIGKILL)
    assert not list(workspace.datasets.glob("brand/v*"))
    version = export_from(catalog, store, workspace, image_px=300).version
    undisturbed = export_from(*second, image_px=300).version
    assert version.digest == undisturbed.digest
    assert files_of(version.folder) == files_of(undisturbed.folder)
    assert [path.name for path in version.folder.parent.iterdir()] == ["v0001"]


def test_a_version_that_was_written_but_not_registered_is_taken_over(
    catalog, store, workspace, export
):
    draw_corpus(catalog, store, range(12))
    version = export().version
    with catalog.write() as session:  # as if the kill had come before the last commit
        session.query(DatasetItem).delete()
        session.query(DatasetVersion).delete()
        session.query(ImageRow).update({"split": None})
    written_at = version.folder.stat().st_mtime_ns
    time.sleep(0.01)
    again = export()
    assert again.is_new
    assert again.version.number == 1
    assert again.version.folder.stat().st_mtime_ns == written_at
    with catalog.read() as session:
        assert session.get(DatasetVersion, version.digest) is not None


def test_a_foreign_folder_is_left_alone(catalog, store, workspace, export):
    draw_corpus(catalog, store, range(12))
    foreign = workspace.datasets / "brand" / "v0001"
    foreign.mkdir(parents=True)
    (foreign / "mine.txt").write_text("keep me")
    assert export().version.number == 2
    assert (foreign / "mine.txt").read_text() == "keep me"


def test_the_digest_of_the_manifest_follows_from_its_parts(catalog, store, export):
    draw_corpus(catalog, store, range(12))
    manifest = open_version(export().version.folder).manifest
    assert manifest["digest"] == version_digest(
        manifest["members_sha256"],
        file_format=manifest["format"],
        schema_version=load_schema().version,
        recipe=manifest["recipe"],
    )
