"""A tar file without compression: its members one by one, and each of them alone."""

import hashlib
import os
import tarfile
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np

from lowdiff.errors import InputError
from lowdiff.ingest.folder import unreadable
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.members import check_name, printable, refuse

MAX_HEADER_BYTES = 1_000_000
"""Of one member's extended header; tarfile would read whatever a header announces."""


class TarFiles:
    """Keeps 24 bytes a member in memory: a hash of its name, its place and its size."""

    def __init__(self, path: Path, *, max_members: int, known_as: Path | None = None) -> None:
        """Args: known_as: the archive of which `path` is a plain copy, for messages."""
        self.path = path
        self._known_as = known_as or path
        self._max_members = max_members
        self._lock = threading.Lock()
        self._index: _Index | None = None

    def members(self) -> Iterator[tarfile.TarInfo | InputError]:
        """Regular files in the order of the archive, each name once; errors for the rest.

        What comes before a broken place is given; the broken place is the last error.

        Raises:
            InputError: it is no tar file, or cannot be read.
            ServiceError: the disk fails.
        """
        index = self._opened()
        for number, member in enumerate(self._walk(), start=1):
            if isinstance(member, InputError):
                yield member
            elif not member.isdir():
                yield _judge(member, number, index)

    def read(self, name: str, *, limits: Limits) -> bytes:
        """The bytes of one member.

        Raises:
            InputError: it is gone, too big, or cut off.
            ServiceError: the disk fails.
        """
        index = self._opened()
        offset, size = index.find(name)
        if offset < 0:
            raise refuse(name, "is no longer in the archive", reason="gone", found=self._known_as)
        limits.check_bytes(size, item=name)
        try:
            with self.path.open("rb") as file:
                body = os.pread(file.fileno(), size, offset)
        except OSError as error:
            raise unreadable(self.path, error) from error
        if len(body) < size:
            raise refuse(
                name,
                "is cut off: the archive ends in it",
                reason="archive_broken",
                found=f"{len(body)} bytes",
                allowed=f"{size} bytes",
            )
        return body

    def close(self) -> None:
        """Forget the members."""
        with self._lock:
            self._index = None

    def _opened(self) -> "_Index":
        with self._lock:
            if self._index is None:
                self._index = _Index(self._walk())
            return self._index

    def _walk(self) -> Iterator[tarfile.TarInfo | InputError]:
        """Every member, however it is; at the end an error when the archive breaks off."""
        try:
            with self.path.open("rb") as raw:
                guarded = cast(IO[bytes], _Guarded(raw))
                tar = tarfile.open(fileobj=guarded, mode="r:")  # noqa: SIM115
                before, number = -1, 0
                while (member := tar.next()) is not None:
                    if member.offset <= before:
                        raise tarfile.ReadError("a member lies before the one before it")
                    if number == self._max_members:
                        yield self._too_many()
                        return
                    before, number = member.offset, number + 1
                    tar.members.clear()  # type: ignore[attr-defined]  # or tarfile keeps them all
                    yield member
                raw.seek(tar.offset)
                if raw.read(tarfile.BLOCKSIZE).strip(b"\0") or raw.tell() == tar.offset:
                    raise tarfile.ReadError("no header and no end where the next member should be")
        except OSError as error:
            raise unreadable(self._known_as, error) from error
        except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
            broken = InputError(
                self._known_as,
                f"the archive is broken ({error})",
                reason="archive_broken",
                do="What comes before the broken place is used.",
            )
            if isinstance(error, tarfile.ReadError) and _is_no_tar(self.path):
                raise broken from error
            yield broken

    def _too_many(self) -> InputError:
        return InputError(
            self._known_as,
            "has too many members",
            reason="archive_too_big",
            found=f"more than {self._max_members}",
            allowed=self._max_members,
            do="Raise max_members of its source; the members up to there are used.",
        )


class _Index:
    """Name → offset and size; of several members with one name the first one."""

    def __init__(self, walk: Iterator[tarfile.TarInfo | InputError]) -> None:
        names, offsets, sizes = array("Q"), array("q"), array("q")
        for member in walk:
            if not isinstance(member, InputError) and member.isreg():
                names.append(_hash(member.name))
                offsets.append(member.offset_data)
                sizes.append(member.size)
        self._names, first = np.unique(np.array(names, dtype=np.uint64), return_index=True)
        self._offsets = np.array(offsets, dtype=np.int64)[first]
        self._sizes = np.array(sizes, dtype=np.int64)[first]

    def find(self, name: str) -> tuple[int, int]:
        """Offset and size in bytes; -1 and 0 where there is no such member."""
        wanted = np.uint64(_hash(name))
        at = int(np.searchsorted(self._names, wanted))
        if at == len(self._names) or self._names[at] != wanted:
            return -1, 0
        return int(self._offsets[at]), int(self._sizes[at])


class _Guarded:
    """A file that never reads much at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


def _judge(member: tarfile.TarInfo, number: int, index: _Index) -> tarfile.TarInfo | InputError:
    unsafe = check_name(member.name)
    if unsafe is not None:
        return unsafe
    if not member.isreg() or member.sparse is not None:
        kind = "a link" if member.issym() or member.islnk() else "a device or a sparse file"
        return refuse(
            member.name, "is no plain file", reason="not_a_file", found=kind, allowed="plain files"
        )
    if index.find(member.name)[0] != member.offset_data:
        return refuse(
            f"{printable(member.name)}#{number}",
            "is in the archive twice; the first one is used",
            reason="duplicate_name",
        )
    return member


def _is_no_tar(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(tarfile.BLOCKSIZE)
        if not head.strip(b"\0"):
            return not head
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (OSError, tarfile.TarError):
        return True
    return False


def _hash(name: str) -> int:
    raw = name.encode("utf-8", errors="surrogateescape")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little")
