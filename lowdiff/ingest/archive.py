"""A zip or tar file as a source. Nothing is unpacked into a tree: members are read one by one."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from lowdiff.catalog.queue import Offer
from lowdiff.errors import InputError
from lowdiff.ingest.folder import unreadable
from lowdiff.ingest.index import Index, parse_index
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.members import check_name, is_hidden
from lowdiff.ingest.offered import Fetched, Found, Known, local_path, stamp_of
from lowdiff.ingest.source_kinds import ArchiveSource
from lowdiff.ingest.tar_files import TarFiles
from lowdiff.ingest.unpack import unpacked
from lowdiff.ingest.zip_files import ZipFiles

INDEX_LIMITS = Limits(max_mb=100)


class Member(Protocol):
    """What zip and tar tell of a member in common."""

    @property
    def name(self) -> str:
        """Path inside the archive."""

    @property
    def size(self) -> int:
        """Unpacked, in bytes, as the archive says."""


class Files(Protocol):
    """An archive whose members can be read one by one."""

    def members(self) -> Iterator[Member | InputError]:
        """Plain files, each name once; errors for what is refused."""

    def read(self, name: str, *, limits: Limits) -> bytes:
        """The bytes of one member."""

    def close(self) -> None:
        """Close the file."""


class ArchiveItems:
    """An open archive source. A member's address is its path inside the archive."""

    def __init__(self, source: ArchiveSource, root: Path, copies: Path) -> None:
        """Args: copies: a folder for the unpacked copy of a compressed tar file."""
        self._source = source
        self._path = local_path(source.path, root)
        self._copies = copies
        self._lock = threading.Lock()
        self._files: Files | None = None
        self._broken: InputError | None = None

    def found(self) -> Iterator[Found | InputError]:
        """Each member that the source's patterns name; an error for each that is refused.

        Raises:
            InputError: the archive or its metadata index cannot be read.
            ServiceError: the disk fails.
        """
        files = self._opened()
        wanted = self._source.metadata
        index = self._read_index(files)
        version, total = self._version(), 0
        for member in files.members():
            if isinstance(member, InputError):
                if self._concerns(member):
                    yield member
                continue
            if is_hidden(member.name) or not self._source.wants(member.name):
                continue
            if wanted is not None and member.name == wanted.index:
                continue
            total += member.size
            if total > self._source.max_total_gb * 1e9:
                yield self._too_much()
                return
            hints = index.hints(member.name)
            stamp = stamp_of(f"{version}:{member.size}", hints)
            yield Found(Offer(url=member.name, hints=hints, stamp=stamp), member.size)
        if self._broken is not None:
            yield self._broken

    def read(self, url: str, *, limits: Limits, known: Known | None = None) -> Fetched:
        """The bytes of one member.

        Raises:
            InputError: it is gone, broken, encrypted or too big.
            ServiceError: the disk fails.
        """
        unsafe = check_name(url)
        if unsafe is not None:
            raise unsafe
        return Fetched(self._opened().read(url, limits=limits))

    def close(self) -> None:
        """Close the archive."""
        if self._files is not None:
            self._files.close()

    def _opened(self) -> Files:
        with self._lock:
            if self._files is None:
                self._files = self._open()
            return self._files

    def _open(self) -> Files:
        name, most = self._path.name.lower(), self._source.max_members
        if name.endswith(".zip"):
            return ZipFiles(self._path, max_members=most)
        plain = self._path
        if not name.endswith(".tar"):
            allowed = self._source.max_total_gb * 1e9
            plain, self._broken = unpacked(self._path, folder=self._copies, max_bytes=allowed)
        return TarFiles(plain, max_members=most, known_as=self._path)

    def _read_index(self, files: Files) -> Index:
        wanted = self._source.metadata
        if wanted is None:
            return Index({})
        body = files.read(wanted.index, limits=INDEX_LIMITS)
        return parse_index(body, Path(wanted.index), wanted)

    def _version(self) -> str:
        try:
            status = self._path.stat()
        except OSError as error:
            raise unreadable(self._path, error) from error
        return f"{status.st_size}:{status.st_mtime_ns}"

    def _concerns(self, refusal: InputError) -> bool:
        """A refused member that nobody wanted is no news; a broken archive is, once."""
        if refusal.reason == "archive_broken" and self._broken is not None:
            return False
        is_member = refusal.reason not in ("archive_broken", "archive_too_big")
        name = refusal.item.rpartition("#")[0] or refusal.item
        if not is_member:
            return True
        return not is_hidden(name) and self._source.wants(name)

    def _too_much(self) -> InputError:
        return InputError(
            self._path,
            "holds too much, unpacked",
            reason="archive_too_big",
            found=f"more than {self._source.max_total_gb:g} GB",
            allowed=f"{self._source.max_total_gb:g} GB",
            do="Raise max_total_gb of its source; the members up to there are used.",
        )
