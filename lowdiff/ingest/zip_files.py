"""A zip file: its members one by one, and each of them alone."""

import lzma
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lowdiff.errors import InputError
from lowdiff.ingest.folder import unreadable
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.members import check_name, printable, refuse

MAX_RATIO = 200
RATIO_FROM_BYTES = 1_000_000
"""Smaller members may shrink as they like."""
ENTRY_BYTES = 512
"""Room for one entry of the directory, a long name included."""
ENCRYPTED = 0x1


@dataclass(frozen=True)
class ZipMember:
    """A member that may be read."""

    name: str
    size: int
    """Unpacked, in bytes, as the archive says."""


class ZipFiles:
    """Keeps the archive's directory in memory, which is bounded by `max_members`."""

    def __init__(self, path: Path, *, max_members: int) -> None:
        self.path = path
        self._max_members = max_members
        self._lock = threading.Lock()
        self._zip: zipfile.ZipFile | None = None
        self._first: dict[str, zipfile.ZipInfo] = {}

    def members(self) -> Iterator[ZipMember | InputError]:
        """Plain files in the order of the directory, each name once; errors for the rest.

        Raises:
            InputError: it is no zip file, is broken, or cannot be read.
            ServiceError: the disk fails.
        """
        for number, info in enumerate(self._opened().infolist(), start=1):
            if number > self._max_members:
                yield self._too_many(f"more than {self._max_members}")
                return
            if not info.is_dir():
                yield self._judge(info, number) or ZipMember(info.filename, info.file_size)

    def read(self, name: str, *, limits: Limits) -> bytes:
        """The bytes of one member, its size checked before and while it is unpacked.

        Raises:
            InputError: it is gone, broken, encrypted or too big.
            ServiceError: the disk fails.
        """
        archive = self._opened()
        info = self._first.get(name)
        if info is None:
            raise refuse(name, "is no longer in the archive", reason="gone", found=self.path)
        unsafe = self._judge(info, 0)
        if unsafe is not None:
            raise unsafe
        limits.check_bytes(info.file_size, item=name)
        try:
            with archive.open(info) as file:
                body = file.read(info.file_size + 1)
        except OSError as error:
            raise unreadable(self.path, error) from error
        except (
            zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError,
        ) as error:  # fmt: skip
            raise refuse(name, f"cannot be unpacked ({error})", reason="archive_broken") from error
        limits.check_bytes(len(body), item=name)
        return body

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._zip is not None:
                self._zip.close()
            self._zip = None

    def _opened(self) -> zipfile.ZipFile:
        with self._lock:
            if self._zip is None:
                self._zip = self._open()
                for info in self._zip.infolist():
                    self._first.setdefault(info.filename, info)
            return self._zip

    def _open(self) -> zipfile.ZipFile:
        try:
            announced = _directory_bytes(self.path)
            if announced > self._max_members * ENTRY_BYTES:
                raise self._too_many(f"a directory of {announced / 1e6:.0f} MB")
            return zipfile.ZipFile(self.path)
        except OSError as error:
            raise unreadable(self.path, error) from error
        except (zipfile.BadZipFile, ValueError, struct.error, RuntimeError) as error:
            raise InputError(
                self.path,
                f"the archive is broken ({error})",
                reason="archive_broken",
                do="A zip file without its directory, which is at its end, cannot be read.",
            ) from error

    def _judge(self, info: zipfile.ZipInfo, number: int) -> InputError | None:
        name = info.filename
        unsafe = check_name(name) or check_name(info.orig_filename)
        if unsafe is not None:
            return unsafe
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            return refuse(
                name,
                "is no plain file",
                reason="not_a_file",
                found="a link" if kind == stat.S_IFLNK else "a device or a folder",
                allowed="plain files",
            )
        if info.flag_bits & ENCRYPTED:
            return refuse(name, "is encrypted", reason="encrypted", do="Unpack it yourself.")
        if info.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * info.compress_size):
            return refuse(
                name,
                "unpacks to too much",
                reason="compression_bomb",
                found=f"{info.file_size / 1e6:.1f} MB from {info.compress_size} bytes",
                allowed=f"{MAX_RATIO} times its size",
            )
        if self._first[name] is not info:
            return refuse(
                f"{printable(name)}#{number}",
                "is in the archive twice; the first one is used",
                reason="duplicate_name",
            )
        return None

    def _too_many(self, found: str) -> InputError:
        return InputError(
            self.path,
            "has too many members",
            reason="archive_too_big",
            found=found,
            allowed=self._max_members,
            do="Raise max_members of its source.",
        )


def _directory_bytes(path: Path) -> int:
    """How long the archive says its directory is; `zipfile` would read it whatever it says.

    Source: APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - 65_557))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 16:
        return 0
    size: int = struct.unpack_from("<L", tail, at + 12)[0]
    if size != 0xFFFFFFFF:
        return size
    at = tail.rfind(b"PK\6\6")
    if at < 0 or len(tail) < at + 48:
        return 0
    large: int = struct.unpack_from("<Q", tail, at + 40)[0]
    return large
