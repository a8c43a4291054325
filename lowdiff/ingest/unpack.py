"""A compressed tar file, unpacked once, so that its members can be read one by one."""

import bz2
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from lowdiff.errors import InputError
from lowdiff.ingest.folder import unreadable

CHUNK_BYTES = 1 << 20
MAX_RATIO = 200
"""Unpacked to packed; images hardly shrink, a bomb shrinks a thousand times."""
FREE_BYTES = 100_000_000
"""As much may be unpacked whatever the ratio is."""
XZ_MEMORY_BYTES = 128_000_000


def unpacked(path: Path, *, folder: Path, max_bytes: float) -> tuple[Path, InputError | None]:
    """The same tar without compression, in a folder for copies; made when it is not there.

    Returns:
        The copy, and an error where the archive breaks off (the copy has what came before).

    Raises:
        InputError: it cannot be read, or it is a bomb.
        ServiceError: the disk fails.
    """
    try:
        status = path.stat()
        name = f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{max_bytes}"
        key = hashlib.sha256(name.encode("utf-8", errors="surrogateescape")).hexdigest()[:32]
        copy, note = folder / f"{key}.tar", folder / f"{key}.txt"
        if not copy.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _unpack(path, copy, note, max_bytes=max_bytes, packed_bytes=status.st_size)
        broken = note.read_text(encoding="utf-8") if note.exists() else None
    except OSError as error:
        raise unreadable(path, error) from error
    return copy, InputError(path, broken, reason="archive_broken") if broken else None


def _unpack(path: Path, copy: Path, note: Path, *, max_bytes: float, packed_bytes: int) -> None:
    partial = copy.with_suffix(f".{os.getpid()}.part")
    allowed = min(max_bytes, max(FREE_BYTES, MAX_RATIO * packed_bytes))
    try:
        with partial.open("wb") as out, closing(_chunks(path)) as chunks:
            try:
                for chunk in chunks:
                    if out.tell() + len(chunk) > allowed:
                        raise _bomb(path, packed_bytes, allowed)
                    out.write(chunk)
            except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
                note.write_text(f"the archive is broken ({error})", encoding="utf-8")
            except OSError as error:
                if error.errno is not None:
                    raise
                note.write_text(f"the archive is broken ({error})", encoding="utf-8")
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)


def _chunks(path: Path) -> Generator[bytes, None, None]:
    ending = path.suffix.lower()
    if ending in (".xz", ".txz"):
        yield from _xz_chunks(path)
        return
    is_gzip = ending in (".gz", ".tgz")
    with gzip.open(path, "rb") if is_gzip else bz2.open(path, "rb") as packed:
        # not `read`: at the end of a broken file it forgets what it has read until then
        while chunk := packed.read1(CHUNK_BYTES):
            yield chunk


def _xz_chunks(path: Path) -> Iterator[bytes]:
    """With a limit of memory, which `lzma.open` does not have."""
    with path.open("rb") as packed:
        rest = b""
        while rest or (rest := packed.read(CHUNK_BYTES)):
            stream = lzma.LZMADecompressor(memlimit=XZ_MEMORY_BYTES)
            while not stream.eof:
                data = b""
                if stream.needs_input:
                    data = rest or packed.read(CHUNK_BYTES)
                    rest = b""
                    if not data:
                        raise EOFError("it ends in the middle of a stream")
                yield stream.decompress(data, CHUNK_BYTES)
            rest = stream.unused_data.lstrip(b"\0")


def _bomb(path: Path, packed_bytes: int, allowed: float) -> InputError:
    return InputError(
        path,
        "unpacks to too much",
        reason="compression_bomb",
        found=f"more than {allowed / 1e6:.0f} MB from {packed_bytes / 1e6:.1f} MB",
        allowed=f"{MAX_RATIO} times its size, and max_total_gb of its source",
    )
