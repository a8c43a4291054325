"""Titles, licences and tags of files, from an index file beside them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lowdiff.errors import InputError
from lowdiff.ingest.said import columns_named, hints_of, separator_of
from lowdiff.ingest.source_base import MetadataIndex


@dataclass(frozen=True)
class Index:
    """What is known of files, by their name without its ending, or by their path."""

    entries: Mapping[str, dict[str, Any]]

    def hints(self, path: str) -> dict[str, Any]:
        """What is said of a file: `title`, `caption`, `licence`, `tags`, …"""
        inside = PurePosixPath(path)
        for key in (path, inside.name, inside.stem):
            if key in self.entries:
                return dict(self.entries[key])
        return {}


def read_index(path: Path, wanted: MetadataIndex) -> Index:
    """Read the index file of a folder.

    Raises:
        InputError: it is not there, is no JSON or CSV, or lacks a key that the source names.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise InputError(
            path,
            f"the metadata index cannot be read ({error.strerror})",
            reason="bad_index",
            do="Mend [metadata] index in its source; it is relative to the folder.",
        ) from error
    return parse_index(body, path, wanted)


def parse_index(body: bytes, path: Path, wanted: MetadataIndex) -> Index:
    """Understand an index; `path` tells its format and names it in messages.

    Raises:
        InputError: it is no JSON or CSV, or lacks a key that the source names.
    """
    try:
        rows = _rows(path, body.decode("utf-8-sig"))
    except (ValueError, csv.Error) as error:
        raise InputError(
            path, f"the metadata index is broken ({error})", reason="bad_index"
        ) from error
    _check_keys(path, rows, wanted)
    entries: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = str(row.get(wanted.file) or "").strip()
        if name:
            entries.setdefault(name, hints_of(row, wanted))
    return Index(entries)


def _rows(path: Path, text: str) -> Sequence[Mapping[str, Any]]:
    if path.suffix.lower() == ".csv":
        separator = separator_of(text.partition("\n")[0])
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    rows = json.loads(text)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected a list of objects")
    return rows


def _check_keys(path: Path, rows: Sequence[Mapping[str, Any]], wanted: MetadataIndex) -> None:
    known = {key for row in rows for key in row}
    for key in (wanted.file, *columns_named(wanted)):
        if rows and key not in known:
            raise InputError(
                path,
                f"no entry of the metadata index has the key '{key}'",
                reason="bad_index",
                found=", ".join(sorted(map(str, known))),
                do="Mend [metadata] of its source.",
            )
