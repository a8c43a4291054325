"""Parquet files of others: opened with care, and one cell read without reading the rest."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lowdiff.errors import InputError
from lowdiff.ingest.folder import unreadable

WINDOW_BYTES = 16_000_000
"""How much of a column is decoded at a time."""
MAX_GROUP_BYTES = 4_000_000_000
"""Of one column in one row group, decoded."""
MAX_FOOTER_BYTES = 100_000_000
OPEN_FILES = 4


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file; nothing but its footer is read.

    Raises:
        InputError: it cannot be read, or is no Parquet.
        ServiceError: the disk fails.
    """
    file = _open(path)
    try:
        yield file
    finally:
        file.close()


def check_columns(path: Path, found: Collection[str], wanted: Sequence[str]) -> None:
    """See that a table has the columns that its source names.

    Raises:
        InputError: it lacks one; the message names those that it has.
    """
    for name in wanted:
        if name not in found:
            raise InputError(
                path,
                f"has no column '{name}'",
                reason="bad_columns",
                found=", ".join(list(found)[:50]) or "no columns",
                do="Mend the names of columns in its source.",
            )


@dataclass
class _Reading:
    """Where we are in one file: the rows of the last two windows."""

    file: pq.ParquetFile
    group: int = -1
    batches: Iterator[pa.RecordBatch] | None = None
    start: int = 0
    """Number of the last window's first row within its row group."""
    window: pa.Array | None = None
    previous: pa.Array | None = None


class Cells:
    """Cells of one column in many files; rows in ascending order cost one pass over a file.

    Keeps two windows of a few files; reading backwards starts a row group again.
    """

    def __init__(self, column: str, window_bytes: int = WINDOW_BYTES) -> None:
        self.passes = 0
        """How often a row group was started."""
        self._column = column
        self._window_bytes = window_bytes
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, _Reading] = OrderedDict()

    def cell(self, path: Path, row: int) -> object:
        """The value of one row, as Python has it.

        Raises:
            InputError: there is no such row, or the file is broken there.
            ServiceError: the disk fails.
        """
        with self._lock:
            reading = self._reading(path)
            try:
                return self._find(reading, row)
            except OSError as error:
                self._drop(path)
                raise unreadable(path, error) from error
            except (pa.ArrowException, IndexError) as error:
                self._drop(path)
                raise InputError(
                    f"{path}#row={row}", f"cannot be read ({error})", reason="broken_row"
                ) from error

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for path in list(self._open):
                self._drop(path)

    def _reading(self, path: Path) -> _Reading:
        if path not in self._open:
            self._open[path] = _Reading(_open(path))
            if len(self._open) > OPEN_FILES:
                self._drop(next(iter(self._open)))
        self._open.move_to_end(path)
        return self._open[path]

    def _drop(self, path: Path) -> None:
        self._open.pop(path).file.close()

    def _find(self, reading: _Reading, row: int) -> object:
        group, inside = _group_of(reading.file, row)
        before = reading.start - len(reading.previous or ())
        if group != reading.group or inside < before:
            reading.batches = self._batches(reading.file, group)
            self.passes += 1
            reading.group, reading.start = group, 0
            reading.window = reading.previous = None
        while inside >= reading.start + len(reading.window or ()):
            assert reading.batches is not None
            reading.start += len(reading.window or ())
            reading.previous, reading.window = reading.window, None
            batch = next(reading.batches, None)
            if batch is None:
                raise IndexError(f"row group {group} has fewer rows than it says")
            reading.window = batch.column(0)
        if inside >= reading.start:
            assert reading.window is not None
            return reading.window[inside - reading.start].as_py()
        assert reading.previous is not None
        return reading.previous[inside - reading.start].as_py()

    def _batches(self, file: pq.ParquetFile, group: int) -> Iterator[pa.RecordBatch]:
        held = file.metadata.row_group(group)
        size = column_bytes(file, group, self._column)
        if size > MAX_GROUP_BYTES:
            raise pa.ArrowInvalid(f"row group {group} holds {size / 1e9:.1f} GB, allowed 4 GB")
        rows = max(1, int(held.num_rows * self._window_bytes / max(size, self._window_bytes)))
        batches: Iterator[pa.RecordBatch] = file.iter_batches(
            rows, row_groups=[group], columns=[self._column], use_threads=False
        )
        return batches


def column_bytes(file: pq.ParquetFile, group: int, column: str) -> int:
    """Decoded bytes of a column (and what is nested in it) in one row group, as the file says."""
    held = file.metadata.row_group(group)
    parts = (held.column(number) for number in range(held.num_columns))
    return sum(
        part.total_uncompressed_size
        for part in parts
        if part.path_in_schema.split(".")[0] == column
    )


def _group_of(file: pq.ParquetFile, row: int) -> tuple[int, int]:
    start = 0
    for group in range(file.metadata.num_row_groups):
        number = file.metadata.row_group(group).num_rows
        if start <= row < start + number:
            return group, row - start
        start += number
    raise IndexError(f"it has {start} rows")


def _open(path: Path) -> pq.ParquetFile:
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - 8))
            footer = int.from_bytes(file.read(4), "little")
        if footer > MAX_FOOTER_BYTES:
            raise pa.ArrowInvalid(f"a footer of {footer / 1e6:.0f} MB")
        return pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
    except OSError as error:
        if error.errno is not None:
            raise unreadable(path, error) from error
        raise _no_parquet(path, error) from error
    except pa.ArrowException as error:
        raise _no_parquet(path, error) from error


def _no_parquet(path: Path, error: Exception) -> InputError:
    return InputError(path, f"is no Parquet file ({error})", reason="bad_parquet")
