"""Read source definitions: one TOML file tells where images come from and under which licence."""

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lowdiff.errors import InputError
from lowdiff.ingest.source_base import Columns, MetadataIndex, SourceLimits, Strict
from lowdiff.ingest.source_kinds import (
    KINDS,
    ArchiveSource,
    AskingSource,
    BucketSource,
    CollectionSource,
    FolderSource,
    Source,
    UrlsSource,
    WebSource,
)

__all__ = [
    "ArchiveSource",
    "AskingSource",
    "BucketSource",
    "CollectionSource",
    "FolderSource",
    "MetadataIndex",
    "Source",
    "UrlsSource",
    "WebSource",
    "choose_sources",
    "load_source",
    "load_sources",
]


MEANINGS = {
    "name": "It is how you call the source: lower-case letters, digits, - and _.",
    "licence": 'Give an SPDX id such as CC-BY-4.0, LicenseRef-<your own>, or "unknown".',
    "attribution": "Say who made the images, or who has to be named with them.",
    "contact": "Give an e-mail or web address; it is told to the sites in every request.",
    "path": "Give a path, absolute or relative to the workspace.",
    "start_urls": "Give a list of the addresses of pages with which to begin.",
    "url": "Give an address such as s3://bucket/folder.",
}
"""What is told where a key is missing."""
HOW_TO_START = (
    "Put a file there, brand.toml for instance, with the lines "
    'name = "brand", kind = "folder", licence = "LicenseRef-internal", '
    'attribution = "our design team", path = "/where/the/images/are".'
)


def load_source(path: Path) -> Source:
    """Read one source file.

    Raises:
        InputError: it cannot be read, or a key is missing, unknown or wrong; the message names
            file, key, what was found and what is allowed.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            path, f"cannot be read ({error.strerror})", reason="source_unreadable"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(path, f"is no valid TOML: {error}", reason="bad_toml") from error
    model = KINDS.get(str(values.get("kind")))
    if model is None:
        raise InputError(
            path,
            "key 'kind' is missing" if "kind" not in values else "key 'kind' is wrong",
            reason="bad_source",
            found=repr(values["kind"]) if "kind" in values else None,
            allowed=" or ".join(f'"{kind}"' for kind in KINDS),
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _explain(path, error, model) from error


def load_sources(
    folder: Path, *, wrong: Callable[[InputError], None] | None = None
) -> dict[str, Source]:
    """Name → source, of every `*.toml` in a folder.

    Args:
        wrong: told of every file that cannot be used, which is then left out; default: the first
            of them raises.

    Raises:
        InputError: a file is wrong, or two files have one name.
    """
    sources: dict[str, Source] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            source = load_source(path)
            if source.name in sources:
                raise _same_name(path, source)
        except InputError as error:
            if wrong is None:
                raise
            wrong(error)
        else:
            sources[source.name] = source
    return sources


def choose_sources(folder: Path, wanted: Sequence[str]) -> dict[str, Source]:
    """The sources asked for, by name or by path of a TOML file; all when `wanted` is empty.

    Raises:
        InputError: there is no such source; the message lists those that are.
    """
    files = [Path(one) for one in wanted if one.endswith(".toml")]
    chosen = {source.name: source for source in map(load_source, files)}
    names = [one for one in wanted if not one.endswith(".toml")]
    if not wanted:
        chosen = load_sources(folder)
    elif names:
        chosen |= _named(folder, names)
    if not chosen:
        raise InputError(folder, "defines no source", reason="no_sources", do=HOW_TO_START)
    return chosen


def _named(folder: Path, names: Sequence[str]) -> dict[str, Source]:
    """The sources of these names; a wrong file of another source is no matter."""
    known: dict[str, Source] = {}
    wrong: InputError | None = None
    for path in sorted(folder.glob("*.toml")):
        try:
            source = load_source(path)
        except InputError as error:
            wrong = wrong or error
        else:
            if source.name in names and source.name in known:
                raise _same_name(path, source)
            known.setdefault(source.name, source)
    missing = next((name for name in names if name not in known), None)
    if missing is None:
        return {name: known[name] for name in names}
    if wrong is not None:  # it may be the one
        raise wrong
    raise InputError(
        f"source {missing}",
        "is not defined",
        reason="unknown_source",
        allowed=", ".join(known) or "none yet",
        do=f"Define it in {folder / missing}.toml; `lowdiff source check` helps.",
    )


def _same_name(path: Path, source: Source) -> InputError:
    return InputError(
        path,
        "two sources have one name",
        reason="bad_source",
        found=repr(source.name),
        do="Give each source a name of its own.",
    )


def _explain(path: Path, error: ValidationError, model: type[Strict]) -> InputError:
    errors = error.errors()
    first = errors[0]
    where = [str(part) for part in first["loc"]]
    key = ".".join(where) or "the whole file"
    if first["type"] == "extra_forbidden":
        return InputError(
            path,
            f"key '{key}' is unknown",
            reason="bad_source",
            found=f"'{key}'",
            allowed=", ".join(_keys_beside(model, where)),
        )
    if first["type"] == "missing":
        others = [str(one["loc"][-1]) for one in errors if one["type"] == "extra_forbidden"]
        return InputError(
            path,
            f"key '{key}' is missing",
            reason="bad_source",
            found="unknown keys: " + ", ".join(others) if others else None,
            do=MEANINGS.get(key),
        )
    allowed = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if first["type"] == "string_pattern_mismatch":
        allowed = "up to 64 lower-case letters, digits, - and _"
    found: Any = first["input"]
    return InputError(
        path,
        f"key '{key}' is wrong",
        reason="bad_source",
        found=None if isinstance(found, dict) else repr(found),
        allowed=allowed,
    )


def _keys_beside(model: type[Strict], where: Sequence[str]) -> list[str]:
    """Keys that are allowed in the table of a wrong key."""
    tables: dict[str, type[Strict]] = {
        "limits": SourceLimits,
        "metadata": MetadataIndex,
        "columns": Columns,
    }
    table = tables.get(where[0], model) if len(where) > 1 else model
    return sorted(table.model_fields)
