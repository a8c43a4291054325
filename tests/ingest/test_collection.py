import io
import json
import random
import tarfile
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.parquet import Cells
from tests.ingest.conftest import png
from tests.ingest.stored import bodies, offered, opened, refused

RED, BLUE = png((255, 0, 0)), png((0, 0, 255))
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def hugging_face(path: Path, number: int = 3, **options: object) -> list[bytes]:
    """A shard as `datasets` lays it out."""
    images = [png((n % 256, n // 256, 7)) for n in range(number)]
    table = pa.table(
        {
            "image": pa.array([{"bytes": one, "path": None} for one in images], STRUCT),
            "text": [f"picture {n}" for n in range(number)],
        }
    )
    pq.write_table(table, path, **options)
    return images


def shard(path: Path, content: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, body in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))


def test_a_dataset_that_hugging_face_wrote_is_read_with_its_captions(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from datasets import Dataset, Features, Image, Value

        rows = {"image": [{"bytes": RED, "path": None}, {"bytes": BLUE, "path": "b.png"}]}
        features = Features({"image": Image(), "text": Value("string")})
        made = Dataset.from_dict({**rows, "text": ["red", "blue"]}, features=features)
        made.to_parquet(tmp_path / "train-00000-of-00001.parquet")
    items = opened("collection", tmp_path, path=".", columns={"caption": "text"})
    assert bodies(items) == {
        "train-00000-of-00001.parquet#row=0": RED,
        "train-00000-of-00001.parquet#row=1": BLUE,
    }
    said = [one.offer.hints for one in offered(items).values()]
    assert said == [{"caption": "red"}, {"caption": "blue"}]
    items.close()


def test_plain_bytes_and_other_column_names_work_too(tmp_path):
    table = pa.table({"jpg": [RED, BLUE], "rights": ["CC0-1.0", "mine"]})
    pq.write_table(table, tmp_path / "x.parquet")
    items = opened(
        "collection", tmp_path, path="x.parquet", image="jpg", columns={"licence": "rights"}
    )
    assert list(bodies(items).values()) == [RED, BLUE]
    licences = [one.offer.hints["licence"] for one in offered(items).values()]
    assert licences == ["CC0-1.0", "NOASSERTION"]


@pytest.mark.parametrize("group", [7, 1000])
def test_rows_are_read_alone_in_any_order(tmp_path, group):
    path = tmp_path / "x.parquet"
    images = hugging_face(path, 300, row_group_size=group)
    cells = Cells("image", window_bytes=2000)
    for number in [*range(300), *random.Random(3).sample(range(300), 300)]:
        assert cells.cell(path, number) == {"bytes": images[number], "path": None}
    cells.close()


def test_reading_on_decodes_a_row_group_once(tmp_path):
    path = tmp_path / "x.parquet"
    hugging_face(path, 300)
    cells = Cells("image", window_bytes=2000)
    for number in range(0, 300, 4):  # as four threads ask: nearly in order
        for near in (2, 0, 3, 1):
            cells.cell(path, number + near)
    assert cells.passes == 1
    cells.close()


def test_addresses_of_rows_sort_as_the_rows_lie(tmp_path):
    hugging_face(tmp_path / "x.parquet", 300)
    urls = list(offered(opened("collection", tmp_path, path=".")))
    assert urls[7] == "x.parquet#row=007"
    assert urls == sorted(urls)


def test_nulls_paths_and_big_images_are_refused_alone(tmp_path):
    rows = [None, {"bytes": None, "path": "/etc/passwd"}, {"bytes": b"", "path": None}]
    rows += [{"bytes": RED * 5000, "path": None}, {"bytes": RED, "path": None}]
    pq.write_table(pa.table({"image": pa.array(rows, STRUCT)}), tmp_path / "x.parquet")
    items = opened("collection", tmp_path, path=".")
    reasons = []
    for url in offered(items):
        try:
            reasons.append(items.read(url, limits=Limits(max_mb=0.1)).body)
        except InputError as refusal:
            reasons.append(refusal.reason)
    assert reasons == ["no_image", "no_image", "empty_file", "too_big", RED]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"image": ["a.png"]}, "holds no images, found string"),
        ({"image": [{"path": "a.png"}]}, "holds no images, found struct"),
        ({"picture": [RED]}, "no column 'image', found picture"),
    ],
)
def test_a_shard_without_images_is_refused_and_the_others_go_on(tmp_path, table, message):
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"nonsense")
    (tmp_path / "c.parquet").write_bytes(b"")
    hugging_face(tmp_path / "d.parquet", 1)
    items = opened("collection", tmp_path, path=".")
    assert list(offered(items)) == ["d.parquet#row=0"]
    refusals = [one for one in items.found() if isinstance(one, InputError)]
    assert message in str(refusals[0])
    assert [one.reason for one in refusals[1:]] == ["bad_parquet", "bad_parquet"]


def test_a_broken_row_group_costs_its_own_rows_only(tmp_path):
    path = tmp_path / "x.parquet"
    images = hugging_face(path, 30, row_group_size=10, compression="zstd", use_dictionary=False)
    raw = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    raw[start : start + 100] = b"\xff" * 100
    path.write_bytes(raw)
    items = opened("collection", tmp_path, path=".")
    good, broken = {}, set()
    for number, url in enumerate(offered(items)):
        try:
            good[number] = items.read(url, limits=Limits()).body
        except InputError:
            broken.add(number)
    assert good == {number: images[number] for number in [*range(10), *range(20, 30)]}
    assert broken == set(range(10, 20))


def test_a_row_that_is_no_longer_there_is_refused(tmp_path):
    hugging_face(tmp_path / "x.parquet", 3)
    items = opened("collection", tmp_path, path=".")
    for url in ("x.parquet#row=3", "x.parquet#row=-1", "none.parquet#row=0", "x.tar#a.png", "x"):
        with pytest.raises(InputError):
            items.read(url, limits=Limits())


def test_a_webdataset_shard_gives_images_with_what_lies_beside_them(tmp_path):
    content = {
        "000.png": RED,
        "000.json": json.dumps({"caption": "red", "license": "CC-BY-4.0"}).encode(),
        "001.txt": "blue – a caption".encode(),
        "001.left.png": BLUE,
        "001.right.png": RED,
        "002.png": BLUE,
        "002.json": b"{broken",
        "__key__": b"x",
    }
    shard(tmp_path / "shard-000.tar", content)
    items = opened(
        "collection", tmp_path, path=".", columns={"caption": "caption", "licence": "license"}
    )
    assert bodies(items) == {
        "shard-000.tar#000.png": RED,
        "shard-000.tar#001.left.png": BLUE,
        "shard-000.tar#001.right.png": RED,
        "shard-000.tar#002.png": BLUE,
    }
    said = [one.offer.hints for one in offered(items).values()]
    blue = {"licence": "NOASSERTION", "caption": "blue – a caption"}
    assert said == [
        {"caption": "red", "licence": "CC-BY-4.0"},
        blue,
        blue,
        {"licence": "NOASSERTION"},
    ]
    assert refused(items) == {"shard-000.tar#002.json": "bad_sidecar"}


@pytest.mark.parametrize("text", [b"{broken", b"[1, 2]", b"\xff", b"[" * 100_000])
def test_what_a_file_beside_an_image_does_not_say_is_told_by_name(tmp_path, text):
    shard(tmp_path / "a.tar", {"000.png": RED, "000.json": text})
    items = opened("collection", tmp_path, path=".", columns={"caption": "caption"})
    assert bodies(items) == {"a.tar#000.png": RED}
    (told,) = [one for one in items.found() if isinstance(one, InputError)]
    assert str(told).startswith("a.tar#000.json: says nothing of its image")
    assert "allowed one JSON object" in str(told)


def test_a_shard_that_breaks_off_gives_what_comes_before(tmp_path):
    shard(tmp_path / "a.tar", {f"{n}.png": RED for n in range(9)})
    raw = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(raw[:4000])
    shard(tmp_path / "b.tar", {"../evil.png": RED, "good.png": BLUE})
    items = opened("collection", tmp_path, path=".")
    found = list(offered(items))
    assert found[:3] == ["a.tar#0.png", "a.tar#1.png", "a.tar#2.png"]
    assert found[-1] == "b.tar#good.png"
    assert refused(items) == {
        str(tmp_path / "a.tar"): "archive_broken",
        "b.tar#../evil.png": "unsafe_name",
    }


def test_stamps_change_with_a_shard_and_with_what_it_says(tmp_path):
    hugging_face(tmp_path / "x.parquet", 2)
    items = opened("collection", tmp_path, path=".")
    before = offered(items)
    assert offered(items) == before
    said = offered(opened("collection", tmp_path, path=".", columns={"caption": "text"}))
    hugging_face(tmp_path / "x.parquet", 2, compression="none")
    after = offered(items)
    url = "x.parquet#row=0"
    assert len({one[url].offer.stamp for one in (before, said, after)}) == 3


def test_a_collection_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        list(opened("collection", tmp_path, path="none").found())


def test_real_pictures_come_back_as_they_were(tmp_path, test_data):
    paths = sorted((test_data / "raccoon").rglob("*.jpg"))[:20]
    rows = [{"bytes": path.read_bytes(), "path": path.name} for path in paths]
    pq.write_table(pa.table({"image": pa.array(rows, STRUCT)}), tmp_path / "x.parquet")
    shard(tmp_path / "x.tar", {path.name: path.read_bytes() for path in paths})
    found = list(bodies(opened("collection", tmp_path, path=".")).values())
    assert found == [row["bytes"] for row in rows] * 2
    assert all(Image.open(io.BytesIO(body)).width > 1 for body in found)
