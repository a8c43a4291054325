"""A folder as a source: walk it, read its files."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from lowdiff.catalog.queue import Offer
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.index import Index, read_index
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.members import MAX_NAME_BYTES, SHOWN
from lowdiff.ingest.offered import Fetched, Found, Known, local_path, stamp_of
from lowdiff.ingest.source_kinds import FolderSource

TRY_AGAIN = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE})
"""A disk or a network share that fails now; another error is the file's own."""
NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


class FolderItems:
    """An open folder source.

    Hidden files and folders are passed over; links to files are followed, links to folders not.
    """

    def __init__(self, source: FolderSource, root: Path) -> None:
        """Args: root: the workspace, to which the source's path may be relative."""
        self._source = source
        self._folder = local_path(source.path, root)

    def found(self) -> Iterator[Found | InputError]:
        """Each file that the source's patterns name; an error for what cannot be looked at.

        Raises:
            InputError: the folder or its metadata index cannot be read.
        """
        self._check_folder()
        wanted = self._source.metadata
        skipped = self._folder / wanted.index if wanted else None
        index = read_index(skipped, wanted) if skipped and wanted else Index({})
        for path in files_below(self._folder):
            if isinstance(path, InputError):
                yield path
            elif path != skipped:
                name = path.relative_to(self._folder).as_posix()
                if self._source.wants(name):
                    yield _found(path, name, index)

    def read(self, url: str, *, limits: Limits, known: Known | None = None) -> Fetched:
        """The bytes of one file.

        Raises:
            InputError: it is gone, unreadable, no file, or too big.
            ServiceError: the disk fails.
        """
        return Fetched(read_path(self._folder / url, limits=limits))

    def close(self) -> None:
        """Nothing is held."""

    def _check_folder(self) -> None:
        try:
            os.scandir(self._folder).close()
        except OSError as error:
            raise InputError(
                self._folder,
                f"the folder of source {self._source.name} cannot be read ({error.strerror})",
                reason="folder_unreadable",
                do="Mend its path or its permissions; a path is relative to the workspace.",
            ) from error


def read_path(path: Path, *, limits: Limits) -> bytes:
    """The bytes of a file, its size checked before it is read.

    Raises:
        InputError: it is gone, unreadable, no file, or too big.
        ServiceError: the disk fails.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise not_a_file(path)
        limits.check_bytes(status.st_size, item=str(path))
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> InputError | ServiceError:
    """Say that a file cannot be read, for good or for now."""
    kind = ServiceError if error.errno in TRY_AGAIN else InputError
    is_there = error.errno not in NOT_THERE
    return kind(
        path,
        f"cannot be read ({error.strerror or error})",
        reason="unreadable",
        do="Mend its permissions, or take it out of the source." if is_there else "Mend its path.",
    )


def files_below(folder: Path) -> Iterator[Path | InputError]:
    """Every file that is not hidden, in a stable order; an error for an unreadable folder."""
    unreadable: list[OSError] = []
    for here, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(here) / name
    for error in unreadable:
        yield InputError(
            error.filename[:SHOWN], f"cannot be read ({error.strerror})", reason="folder_unreadable"
        )


def not_a_file(item: object) -> InputError:
    """Say that something is a folder, a pipe or a device."""
    return InputError(item, "is no regular file", reason="not_a_file")


def _found(path: Path, name: str, index: Index) -> Found | InputError:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", errors="backslashreplace")
        return InputError(
            shown[:SHOWN], "its name is no valid UTF-8", reason="bad_name", do="Rename the file."
        )
    if len(os.fsencode(name)) > MAX_NAME_BYTES:
        return InputError(
            f"{name[:SHOWN]}…",
            "its path is too long",
            reason="bad_name",
            allowed=f"{MAX_NAME_BYTES} bytes",
        )
    hints = index.hints(name)
    try:
        status = path.stat()
    except OSError:
        offer = Offer(url=name, hints=hints, stamp=stamp_of("missing", hints))
        return Found(offer, is_missing=True)
    if not stat.S_ISREG(status.st_mode):
        return not_a_file(name)
    version = f"{status.st_size}:{status.st_mtime_ns}"
    return Found(Offer(url=name, hints=hints, stamp=stamp_of(version, hints)), status.st_size)
