"""The store of bytes: whole objects under keys, written aside and renamed."""

import hashlib
import itertools
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from lowdiff.errors import ContractError, ServiceError
from lowdiff.store.disk import flush_filesystem

if TYPE_CHECKING:
    from upath import UPath

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_OURS = secrets.token_hex(6)
"""With the process id: nobody, on no other machine either, writes aside under the same name."""
_numbers = itertools.count()


def sha256_hex(body: bytes) -> str:
    """The id of an image: 64 hex digits of the SHA-256 of its bytes."""
    return hashlib.sha256(body).hexdigest()


class Store:
    """Objects under keys such as `images/ab/cd/<sha256>.png`; keys never leave the root."""

    def __init__(self, root: "Path | UPath") -> None:
        self.root = root

    def put(self, key: str, body: bytes, *, flush: bool = True) -> None:
        """Keep `body` under `key`; a reader sees the whole object or none.

        Args:
            flush: False: `flush()` will make this and other objects survive a power cut.

        Raises:
            ServiceError: the store cannot be written (disk full, permissions, network).
        """
        target = self._at(key)
        try:
            if isinstance(target, Path):
                _write_aside(target, body, flush)
            else:
                target.write_bytes(body)  # an object store's PUT is atomic
        except OSError as error:
            raise ServiceError(
                key,
                f"cannot write to the store at {self.root} ({error.strerror or error})",
                reason="store_not_writable",
                do="Free the disk or mend the permissions, then run the same command again.",
            ) from error

    def flush(self) -> None:
        """Make everything that was put survive a power cut, files and their names.

        One call for many objects: it costs a disk what a single object costs.

        Raises:
            ServiceError: the disk fails.
        """
        if not isinstance(self.root, Path):
            return  # an object store answers when the object is safe
        try:
            flush_filesystem(self.root)
        except OSError as error:
            raise ServiceError(
                self.root,
                f"cannot be written to its disk ({error.strerror})",
                reason="store_not_writable",
                do="Free or mend the disk, then run the same command again.",
            ) from error

    def has(self, key: str, size_bytes: int) -> bool:
        """True when an object of this size lies under `key`.

        The size tells a whole object from one that a power cut left empty.
        """
        try:
            return bool(self._at(key).stat().st_size == size_bytes)
        except OSError:
            return False

    def read(self, key: str) -> bytes:
        """The bytes under `key`.

        Raises:
            ContractError: the catalog points to an object that is not there.
            ServiceError: the store cannot be read.
        """
        try:
            body: bytes = self._at(key).read_bytes()
        except FileNotFoundError as error:
            raise ContractError(
                key,
                f"is missing from the store at {self.root}",
                reason="object_missing",
                do="Ingest its source again.",
            ) from error
        except OSError as error:
            raise ServiceError(
                key, f"cannot be read from the store ({error})", reason="store_not_readable"
            ) from error
        return body

    def exists(self, key: str) -> bool:
        """True when a whole object lies under `key`."""
        return bool(self._at(key).is_file())

    def remove(self, key: str) -> None:
        """Delete the object under `key`; no error when it is gone already."""
        self._at(key).unlink(missing_ok=True)

    def _at(self, key: str) -> "Path | UPath":
        if key.startswith("/") or ".." in key.split("/"):
            raise ContractError(key, "leaves the store", reason="bad_key")
        return self.root / key


def open_store(url: str | Path) -> Store:
    """The store at a folder or at an fsspec URL such as `s3://bucket/prefix`."""
    text = str(url)
    if "://" not in text:
        return Store(Path(text))
    from upath import UPath  # it takes a while to import, and most stores are folders

    return Store(UPath(text))


def _write_aside(target: Path, body: bytes, flush: bool) -> None:
    aside = f"{target.parent}/.{target.name}.{_OURS}{os.getpid():x}-{next(_numbers)}"
    try:
        handle = _new_file(aside, target.parent)
        try:
            rest = memoryview(body)
            while rest:
                rest = rest[os.write(handle, rest) :]
            if flush:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(aside, target)  # noqa: PTH105 -- a store writes many files
    except BaseException:  # Ctrl-C too must leave nothing half written
        Path(aside).unlink(missing_ok=True)
        raise


def _new_file(path: str, folder: Path) -> int:
    """Its folder is nearly always there: look only when it is not."""
    try:
        return os.open(path, _CREATE, 0o666)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(path, _CREATE, 0o666)
