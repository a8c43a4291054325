"""The store keeps whole objects under safe keys."""

import resource

import pytest

from lowdiff.errors import ContractError, ServiceError
from lowdiff.store import image_key, open_store, sha256_hex


def test_what_was_put_is_read_back(store):
    key = image_key(sha256_hex(b"picture"), "png")
    assert not store.exists(key)
    store.put(key, b"picture")
    assert store.read(key) == b"picture"
    store.put(key, b"picture")
    store.remove(key)
    store.remove(key)
    assert not store.exists(key)


def test_nothing_half_written_stays_behind(store, workspace):
    store.put("images/aa/x.png", b"1" * 1000)
    assert [path.name for path in (workspace.root / "images/aa").iterdir()] == ["x.png"]


def test_a_missing_object_is_a_broken_contract(store):
    with pytest.raises(ContractError, match="is missing"):
        store.read("images/none.png")


@pytest.mark.parametrize("key", ["/etc/passwd", "../x", "images/../../x"])
def test_a_key_never_leaves_the_store(store, key):
    with pytest.raises(ContractError, match="leaves the store"):
        store.put(key, b"x")


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServiceError, match="cannot write"):
        open_store(tmp_path / "file").put("images/a.png", b"x")


def test_a_write_that_fails_half_way_is_one_clear_error_and_leaves_nothing(store, workspace):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ServiceError, match="cannot write to the store"):
            store.put("images/a.png", b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((workspace.root / "images").iterdir()) == []


def test_an_object_store_works_by_url():
    remote = open_store("memory://bucket/prefix")
    remote.put("images/a.png", b"remote")
    assert remote.read("images/a.png") == b"remote"
    assert remote.exists("images/a.png")
