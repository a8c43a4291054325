"""Titles and tags of a folder's files, from an index file beside them."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lowdiff.errors import InputError
from lowdiff.ingest.sources import MetadataIndex


@dataclass(frozen=True)
class Index:
    """What is known of files, by their name without its ending, or by their path."""

    entries: Mapping[str, dict[str, Any]]

    def hints(self, path: str) -> dict[str, Any]:
        """`title`, `alt_text` and `tags` of a file, as far as they are known."""
        inside = PurePosixPath(path)
        for key in (path, inside.name, inside.stem):
            if key in self.entries:
                return dict(self.entries[key])
        return {}


def read_index(folder: Path, wanted: MetadataIndex) -> Index:
    """Read the index of a folder.

    Raises:
        InputError: it is not there, is no JSON or CSV, or lacks a key that the source names.
    """
    path = folder / wanted.index
    try:
        rows = _rows(path)
    except OSError as error:
        raise InputError(
            path,
            f"the metadata index cannot be read ({error.strerror})",
            reason="bad_index",
            do="Mend [metadata] index in its source; it is relative to the folder.",
        ) from error
    except (ValueError, csv.Error) as error:
        raise InputError(
            path, f"the metadata index is broken ({error})", reason="bad_index"
        ) from error
    _check_keys(path, rows, wanted)
    entries: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = str(row.get(wanted.file) or "").strip()
        if name:
            entries.setdefault(name, _hints(row, wanted))
    return Index(entries)


def _rows(path: Path) -> Sequence[Mapping[str, Any]]:
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    rows = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected a list of objects")
    return rows


def _check_keys(path: Path, rows: Sequence[Mapping[str, Any]], wanted: MetadataIndex) -> None:
    known = {key for row in rows for key in row}
    for key in filter(None, (wanted.file, wanted.title, wanted.alt_text, *wanted.tags)):
        if rows and key not in known:
            raise InputError(
                path,
                f"no entry of the metadata index has the key '{key}'",
                reason="bad_index",
                found=", ".join(sorted(map(str, known))),
                do="Mend [metadata] of its source.",
            )


def _hints(row: Mapping[str, Any], wanted: MetadataIndex) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for meaning, key in (("title", wanted.title), ("alt_text", wanted.alt_text)):
        text = str(row.get(key) or "").strip() if key else ""
        if text:
            hints[meaning] = text
    tags = [tag for key in wanted.tags for tag in _tags(row.get(key))]
    if tags:
        hints["tags"] = list(dict.fromkeys(tags))
    return hints


def _tags(value: object) -> list[str]:
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return [text for text in (str(part).strip() for part in parts) if text]
