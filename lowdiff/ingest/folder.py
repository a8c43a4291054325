"""A folder as a source: walk it, read its files."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lowdiff.catalog.queue import Offer
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.index import Index, read_index
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.sources import FolderSource
from lowdiff.workspace import Workspace

TRY_AGAIN = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE})
"""A disk or a network share that fails now; another error is the file's own."""


def folder_of(source: FolderSource, workspace: Workspace) -> Path:
    """Where the images of a source lie.

    Raises:
        InputError: there is no such folder, or it cannot be read.
    """
    folder = (workspace.root / Path(source.path).expanduser()).absolute()
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise InputError(
            folder,
            f"the folder of source {source.name} cannot be read ({error.strerror})",
            reason="folder_unreadable",
            do="Mend its path or its permissions; a path is relative to the workspace.",
        ) from error
    return folder


def offers_of(source: FolderSource, workspace: Workspace) -> Iterator[Offer | InputError]:
    """Each file that the source's patterns name; an error for what cannot be looked at.

    Hidden files and folders are passed over; links to files are followed, links to folders not.

    Raises:
        InputError: the folder or its metadata index cannot be read.
    """
    folder = folder_of(source, workspace)
    index = read_index(folder, source.metadata) if source.metadata else Index({})
    skipped = (folder / source.metadata.index) if source.metadata else None
    for path in _files(folder):
        if isinstance(path, InputError):
            yield path
        elif path != skipped and _wanted(path.relative_to(folder).as_posix(), source):
            yield _offer(path, path.relative_to(folder).as_posix(), index)


def read_file(source: FolderSource, workspace: Workspace, name: str, *, limits: Limits) -> bytes:
    """The bytes of one file.

    Raises:
        InputError: it is gone, unreadable, no file, or too big.
        ServiceError: the disk fails.
    """
    return read_path(workspace.root / Path(source.path).expanduser() / name, limits=limits)


def read_path(path: Path, *, limits: Limits) -> bytes:
    """The bytes of a file, its size checked before it is read; errors as in `read_file`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise InputError(path, "is no regular file", reason="not_a_file")
        limits.check_bytes(status.st_size, item=str(path))
        return path.read_bytes()
    except OSError as error:
        kind = ServiceError if error.errno in TRY_AGAIN else InputError
        raise kind(
            path,
            f"cannot be read ({error.strerror})",
            reason="unreadable",
            do="Mend its permissions, or take it out of the source.",
        ) from error


def _files(folder: Path) -> Iterator[Path | InputError]:
    unreadable: list[OSError] = []
    for here, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(here) / name
    for error in unreadable:
        yield InputError(
            error.filename, f"cannot be read ({error.strerror})", reason="folder_unreadable"
        )


def _wanted(name: str, source: FolderSource) -> bool:
    def fits(patterns: list[str]) -> bool:
        base = name.rpartition("/")[2]
        return any(fnmatchcase(name, one) or fnmatchcase(base, one) for one in patterns)

    return fits(source.glob) and not fits(source.exclude)


def _offer(path: Path, name: str, index: Index) -> Offer | InputError:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", errors="backslashreplace")
        return InputError(
            shown, "its name is no valid UTF-8", reason="bad_name", do="Rename the file."
        )
    hints = index.hints(name)
    return Offer(url=name, hints=hints, stamp=_stamp(path, hints))


def _stamp(path: Path, hints: dict[str, Any]) -> str:
    """Changes with the file and with what the index says of it."""
    said = hashlib.sha256(json.dumps(hints, sort_keys=True).encode()).hexdigest()[:12]
    try:
        status = path.stat()
    except OSError:
        return f"missing:{said}"
    return f"{status.st_size}:{status.st_mtime_ns}:{said}"
