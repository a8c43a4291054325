import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import s3fs
from gcp_storage_emulator.server import create_server
from gcsfs.core import GCSFileSystem
from moto.server import ThreadedMotoServer

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.limits import Limits
from tests.ingest.conftest import png
from tests.ingest.stored import bodies, offered, opened, refused

RED, BLUE = png((255, 0, 0)), png((0, 0, 255))


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a real S3 server on this machine."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    before = dict(os.environ)
    os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_REGION="us-east-1")
    yield f"http://{host}:{port}"
    os.environ.clear()
    os.environ.update(before)
    server.stop()


@pytest.fixture
def bucket(s3: str) -> Iterator[Any]:
    files = s3fs.S3FileSystem(endpoint_url=s3, skip_instance_cache=True, use_listings_cache=False)
    files.mkdir("brand")
    yield files
    files.rm("brand", recursive=True)


def test_a_prefix_of_s3_is_listed_and_read(bucket, s3, tmp_path):
    for name, body in {
        "pics/red.png": RED,
        "pics/deep/blue ä#1.png": BLUE,
        "pics/notes.txt": b"x",
        "pics/.hidden.png": RED,
        "pictures/other.png": RED,
    }.items():
        bucket.pipe(f"brand/{name}", body)
    items = opened("bucket", tmp_path, url="s3://brand/pics/", glob=["*.png"], endpoint_url=s3)
    assert bodies(items) == {
        "s3://brand/pics/red.png": RED,
        "s3://brand/pics/deep/blue ä#1.png": BLUE,
    }
    assert offered(items)["s3://brand/pics/red.png"].size_bytes == len(RED)
    assert refused(items) == {}


def test_more_objects_than_one_page_of_a_listing_are_all_found_once(bucket, s3, tmp_path):
    for number in range(1100):
        bucket.pipe(f"brand/{number:05d}.png", b"x")
    items = opened("bucket", tmp_path, url="s3://brand", endpoint_url=s3)
    found = [one.offer.url for one in items.found()]  # type: ignore[union-attr]
    assert found == [f"s3://brand/{number:05d}.png" for number in range(1100)]


def test_a_stamp_stays_with_an_object_and_changes_with_its_content(bucket, s3, tmp_path):
    bucket.pipe("brand/a.png", RED)
    items = opened("bucket", tmp_path, url="s3://brand", endpoint_url=s3)
    first = offered(items)
    assert offered(items) == first
    bucket.pipe("brand/a.png", BLUE)
    assert offered(items)["s3://brand/a.png"].offer.stamp != first["s3://brand/a.png"].offer.stamp


def test_objects_that_are_gone_or_too_big_are_refused(bucket, s3, tmp_path):
    bucket.pipe("brand/big.png", bytes(300_000))
    items = opened("bucket", tmp_path, url="s3://brand", endpoint_url=s3)
    reasons = []
    for url in ("s3://brand/big.png", "s3://brand/none.png"):
        with pytest.raises(InputError) as refusal:
            items.read(url, limits=Limits(max_mb=0.2))
        reasons.append(refusal.value.reason)
    assert reasons == ["too_big", "gone"]


def test_a_bucket_that_is_not_there_and_a_server_that_is_down_are_told_apart(s3, tmp_path):
    with pytest.raises(InputError, match="is not there"):
        list(opened("bucket", tmp_path, url="s3://none", endpoint_url=s3).found())
    down = opened("bucket", tmp_path, url="s3://brand", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(ServiceError, match="cannot be read"):
        list(down.found())


def test_an_anonymous_source_needs_no_credentials(bucket, s3, tmp_path, monkeypatch):
    public = {"Bucket": "brand", "ACL": "public-read"}
    bucket.call_s3("put_object", Key="open.png", Body=RED, **public)
    bucket.pipe("brand/closed.png", BLUE)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    items = opened("bucket", tmp_path, url="s3://brand", endpoint_url=s3, anonymous=True)
    assert items.read("s3://brand/open.png", limits=Limits()).body == RED
    with pytest.raises(InputError) as refusal:
        items.read("s3://brand/closed.png", limits=Limits())
    assert refusal.value.reason == "forbidden"


def test_memory_and_file_addresses_work_the_same(tmp_path):
    (tmp_path / "pics" / "deep").mkdir(parents=True)
    (tmp_path / "pics" / "deep" / "blue.png").write_bytes(BLUE)
    (tmp_path / "pics" / "red.png").write_bytes(RED)
    memory = fsspec.filesystem("memory")
    memory.pipe({"/brand/red.png": RED, "/brand/deep/blue.png": BLUE})
    try:
        held = opened("bucket", tmp_path, url="memory://brand")
        assert bodies(held) == {
            "memory:///brand/red.png": RED,
            "memory:///brand/deep/blue.png": BLUE,
        }
    finally:
        memory.rm("/brand", recursive=True)
    url = f"file://{tmp_path}/pics"
    found = bodies(opened("bucket", tmp_path, url=url, exclude=["deep/*"]))
    assert found == {f"{url}/red.png": RED}


def test_an_address_outside_the_prefix_is_refused(tmp_path):
    (tmp_path / "pics").mkdir()
    (tmp_path / "secret.png").write_bytes(RED)
    items = opened("bucket", tmp_path, url=f"file://{tmp_path}/pics")
    for url in (f"file://{tmp_path}/secret.png", f"file://{tmp_path}/pics/../secret.png"):
        with pytest.raises(InputError, match="outside"):
            items.read(url, limits=Limits())


def test_an_unknown_protocol_and_a_missing_prefix_are_clear_errors(tmp_path: Path):
    with pytest.raises(InputError, match="no address of fsspec"):
        list(opened("bucket", tmp_path, url="nonsense://a/b").found())
    with pytest.raises(InputError, match="is not there"):
        list(opened("bucket", tmp_path, url=f"file://{tmp_path}/none").found())


@pytest.fixture
def gcs() -> Iterator[tuple[str, Any]]:
    """The address of a server that speaks Google Cloud Storage, and its bucket `brand`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="brand")
    server.start()
    url = f"http://127.0.0.1:{port}"
    yield url, GCSFileSystem(endpoint_url=url, token="anon", use_listings_cache=False)
    server.stop()


def test_a_prefix_of_google_cloud_storage_is_listed_and_read(gcs, tmp_path):
    url, bucket = gcs
    for name, body in {
        "pics/red.png": RED,
        "pics/deep/blue ä#1.png": BLUE,
        "pics/notes.txt": b"x",
        "pics/.hidden/red.png": RED,
        "pictures/other.png": RED,
    }.items():
        bucket.pipe(f"brand/{name}", body)
    keys = {"glob": ["*.png"], "endpoint_url": url, "anonymous": True}
    items = opened("bucket", tmp_path, url="gs://brand/pics", **keys)
    assert bodies(items) == {
        "gs://brand/pics/red.png": RED,
        "gs://brand/pics/deep/blue ä#1.png": BLUE,
    }
    first = offered(items)
    assert first["gs://brand/pics/red.png"].size_bytes == len(RED)
    assert offered(items) == first
    bucket.pipe("brand/pics/red.png", BLUE)
    stamps = [one["gs://brand/pics/red.png"].offer.stamp for one in (first, offered(items))]
    assert stamps[0] != stamps[1]


def test_what_google_cloud_storage_does_not_have_is_refused(gcs, tmp_path):
    url, bucket = gcs
    bucket.pipe("brand/big.png", bytes(300_000))
    keys = {"endpoint_url": url, "anonymous": True}
    items = opened("bucket", tmp_path, url="gs://brand", **keys)
    reasons = []
    for name in ("big", "none"):
        with pytest.raises(InputError) as refusal:
            items.read(f"gs://brand/{name}.png", limits=Limits(max_mb=0.2))
        reasons.append(refusal.value.reason)
    assert reasons == ["too_big", "gone"]
    for missing in ("gs://brand/none", "gs://none"):
        with pytest.raises(InputError, match="is not there"):
            list(opened("bucket", tmp_path, url=missing, **keys).found())
