import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lowdiff.catalog import open_catalog
from lowdiff.datasets.layout import MANIFEST_FILE
from lowdiff.datasets.read import fit_square, open_version
from lowdiff.errors import ContractError
from lowdiff.store import open_store
from lowdiff.workspace import Workspace
from tests.datasets.conftest import export_from
from tests.datasets.corpus import draw_corpus


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("read")).create()
    catalog, store = open_catalog(workspace), open_store(workspace.root)
    draw_corpus(catalog, store, range(75))
    yield export_from(catalog, store, workspace).version.folder
    catalog.close()


@pytest.fixture
def version(exported, tmp_path):
    """A copy, which a test may damage."""
    return open_version(Path(shutil.copytree(exported, tmp_path / "v0001")))


def test_pixels_are_the_images_in_the_order_of_the_rows(version):
    pixels = version.pixels("train", 16)
    rows = version.read("train", ["image"])
    assert pixels.shape == (len(rows), 16, 16, 3)
    assert pixels.dtype == np.uint8
    for index in (0, len(rows) // 2, len(rows) - 1):
        with Image.open(io.BytesIO(rows["image"][index]["bytes"])) as image:
            np.testing.assert_array_equal(pixels[index], np.asarray(fit_square(image, 16)))


def test_a_split_without_rows_is_empty_and_has_its_columns(version):
    assert version.pixels("nowhere", 8).shape == (0, 8, 8, 3)
    assert list(version.read("nowhere", ["caption"]).columns) == ["caption"]
    assert "image" in version.read("nowhere").columns


def test_a_wide_image_is_centred_on_white():
    square = np.asarray(fit_square(Image.new("RGB", (40, 10), "black"), 20))
    assert (square[7:12] < 10).all()
    assert (square[:7] == 255).all()
    assert (square[12:] == 255).all()


def test_making_smaller_averages_instead_of_skipping():
    stripes = Image.fromarray(np.tile(np.uint8([0, 255]), (64, 32))).convert("RGB")
    small = np.asarray(fit_square(stripes, 8))
    assert abs(small.astype(float).mean() - 127.5) < 3
    assert small.std() < 15


def test_pandas_reads_a_shard_without_us(version):
    frame = pd.read_parquet(version.shards[0].path)
    assert frame["caption"].str.startswith("A ").all()
    assert frame["image"][0]["path"] == f"{frame['image_id'][0]}.png"


def test_hugging_face_reads_the_folder_and_decodes_the_images(version, tmp_path):
    import datasets

    loaded = datasets.load_dataset(str(version.folder), cache_dir=str(tmp_path / "hf"))
    assert {split: len(loaded[split]) for split in loaded} == {
        split: version.rows(split) for split in version.splits
    }
    row = loaded["train"][0]
    assert isinstance(row["image"], Image.Image)
    assert row["image"].size == (48, 48) or row["image"].size == (48, 32)
    assert row["caption"] == version.read("train", ["caption"])["caption"][0]
    assert row["tags"][0] == "drawn"
    assert isinstance(loaded["train"].features["image"], datasets.Image)


def test_hugging_face_reads_the_shards_as_parquet(version, tmp_path):
    import datasets

    files = [str(shard.path) for shard in version.shards if shard.split == "train"]
    loaded = datasets.load_dataset(
        "parquet", data_files=files, split="train", cache_dir=str(tmp_path / "hf")
    )
    assert isinstance(loaded[0]["image"], Image.Image)


def test_a_folder_without_a_manifest_is_no_version(tmp_path):
    with pytest.raises(ContractError, match="lowdiff export"):
        open_version(tmp_path)


def test_a_missing_shard_is_named_at_once(version):
    version.shards[0].path.unlink()
    with pytest.raises(ContractError, match=r"train-00000-of-00001\.parquet: is missing"):
        open_version(version.folder)


def test_a_cut_shard_is_named_at_once(version):
    path = version.shards[0].path
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ContractError, match="not the file that the manifest describes"):
        open_version(version.folder)


def test_a_flipped_byte_is_found_when_the_shard_is_read(version):
    path = version.shards[0].path
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(body)
    changed = open_version(version.folder)
    with pytest.raises(ContractError, match="not the file that the manifest describes"):
        changed.read("train", ["caption"])
    with pytest.raises(ContractError):
        changed.pixels("train", 8)
    with pytest.raises(ContractError):
        version.verify()


def test_another_format_is_refused(version):
    path = version.folder / MANIFEST_FILE
    manifest = json.loads(path.read_text()) | {"format": "lowdiff.dataset/9"}
    path.chmod(0o644)
    path.write_text(json.dumps(manifest))
    with pytest.raises(ContractError, match=r"found lowdiff\.dataset/9"):
        open_version(version.folder)


def test_a_damaged_manifest_is_refused(version):
    path = version.folder / MANIFEST_FILE
    path.chmod(0o644)
    path.write_text("{")
    with pytest.raises(ContractError, match="damaged"):
        open_version(version.folder)


def test_an_unknown_column_is_named(version):
    with pytest.raises(ContractError, match="found colour"):
        version.read("train", ["colour"])
