"""A list of web addresses as a source: text, CSV or Parquet, read row by row."""

import csv
import hashlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from lowdiff.catalog.queue import Offer
from lowdiff.errors import InputError
from lowdiff.ingest.addresses import parse_address
from lowdiff.ingest.folder import unreadable
from lowdiff.ingest.offered import Found, local_path, stamp_of
from lowdiff.ingest.parquet import check_columns, open_parquet
from lowdiff.ingest.said import MAX_FIELD, columns_named, hints_of, separator_of, text_of
from lowdiff.ingest.source_kinds import UrlsSource

BATCH_ROWS = 1000


def offers_of_list(source: UrlsSource, root: Path) -> Iterator[Found | InputError]:
    """Each row's address with what the row says of it; an error for a row without a good one.

    Raises:
        InputError: the list cannot be read, or lacks a column. One that breaks off in the middle
            gives that as its last error.
        ServiceError: the disk fails.
    """
    path = local_path(source.path, root)
    has_begun = False
    try:
        for where, row in _rows(path, source):
            has_begun = True
            yield _offer(where, row, source)
    except InputError as broken:
        if not has_begun:
            raise
        yield broken  # what came before it is used


def _offer(where: str, row: Mapping[str, Any], source: UrlsSource) -> Found | InputError:
    address = text_of(row.get(source.url))
    try:
        url = parse_address(address).text
    except InputError as refusal:
        shown = repr(refusal.item[:200])  # without a password
        return InputError(where, refusal.problem, reason="bad_url", found=shown)
    hints = hints_of(row, source.columns)
    return Found(Offer(url=url, hints=hints, stamp=stamp_of("row", hints)))


class ListedHosts(Container[str]):
    """The hosts of a list, read when the first one is asked for and once in a process."""

    def __init__(self, source: UrlsSource, root: Path) -> None:
        self._source = source
        self._root = root

    def __contains__(self, host: object) -> bool:
        path = local_path(self._source.path, self._root)
        try:
            status = path.stat()
        except OSError as error:
            raise unreadable(path, error) from error
        version = (status.st_size, status.st_mtime_ns)
        return _hash(str(host)) in _host_hashes(
            _List(path, self._source.url, version, self._source)
        )


@dataclass(frozen=True)
class _List:
    """A list as it is now; what else its source says does not matter for its hosts."""

    path: Path
    column: str
    version: tuple[int, int]
    source: UrlsSource = field(compare=False)


@lru_cache(maxsize=8)
def _host_hashes(one: _List) -> frozenset[bytes]:
    """8 bytes of each host."""
    found = offers_of_list(one.source.model_copy(update={"path": str(one.path)}), one.path.parent)
    urls = (row.offer.url for row in found if isinstance(row, Found))
    return frozenset(_hash(parse_address(url).host) for url in urls)


Rows = Iterator[tuple[str, Mapping[str, Any]]]
"""Where a row is (`list.csv#line=7`), and its cells by column."""


def _rows(path: Path, source: UrlsSource) -> Rows:
    ending = path.suffix.lower()
    if ending == ".parquet":
        return _parquet_rows(path, source)
    return _csv_rows(path, source) if ending == ".csv" else _text_rows(path, source)


def _text_rows(path: Path, source: UrlsSource) -> Rows:
    try:
        with path.open(encoding="utf-8-sig", errors="backslashreplace") as file:
            number = 0
            while line := file.readline(MAX_FIELD):
                number += 1
                text = line.strip()
                if text and not text.startswith("#"):
                    yield f"{path.name}#line={number}", {source.url: text}
    except OSError as error:
        raise unreadable(path, error) from error


def _csv_rows(path: Path, source: UrlsSource) -> Rows:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = separator_of(file.readline(MAX_FIELD))
            file.seek(0)
            reader = csv.DictReader(file, delimiter=separator)
            check_columns(
                path, reader.fieldnames or (), (source.url, *columns_named(source.columns))
            )
            for row in reader:
                yield f"{path.name}#line={reader.line_num}", row
    except OSError as error:
        raise unreadable(path, error) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(
            path,
            f"the list is broken ({error})",
            reason="bad_list",
            allowed="CSV in UTF-8 with a line of column names",
            do="The rows before the broken place are used.",
        ) from error


def _parquet_rows(path: Path, source: UrlsSource) -> Rows:
    wanted = [source.url, *columns_named(source.columns)]
    with open_parquet(path) as file:
        check_columns(path, file.schema_arrow.names, wanted)
        _check_text(path, file.schema_arrow.field(source.url))
        number = 0
        try:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(wanted))):
                for row in batch.to_pylist():
                    yield f"{path.name}#row={number}", row
                    number += 1
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                path,
                f"the list is broken after row {number} ({error})",
                reason="bad_list",
                do="The rows before the broken place are used.",
            ) from error


def _check_text(path: Path, field: pa.Field) -> None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InputError(
            path,
            f"column '{field.name}' has a wrong type",
            reason="bad_list",
            found=str(field.type),
            allowed="string",
            do="Name the column of the addresses in `url` of its source.",
        )


def _hash(host: str) -> bytes:
    return hashlib.blake2b(host.lower().encode(), digest_size=8).digest()
