"""Verdicts on files without a workspace: would they be taken?"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lowdiff.errors import InputError, LowdiffError
from lowdiff.ingest.decoders import Decoders
from lowdiff.ingest.folder import read_path
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.side_by_side import side_by_side

Verdict = dict[str, Any]
"""`path`, `verdict` (`ok` or `rejected`), `reason`, `message`, `format`, `width_px`, `height_px`,
`embedded` (what the file says of itself)."""


def check_files(
    paths: Sequence[Path], *, decoders: Decoders, limits: Limits, workers: int
) -> Iterator[Verdict]:
    """A verdict for each file, in the order of the paths; folders are walked by name.

    Raises:
        ServiceError: no decoder can be started.
    """

    def judge(found: Path | InputError) -> Verdict:
        if isinstance(found, InputError):
            return _rejected(found.item, found)
        return check_file(found, decoders=decoders, limits=limits)

    return side_by_side(judge, finds_below(paths), workers=workers)


def check_file(path: Path, *, decoders: Decoders, limits: Limits) -> Verdict:
    """The verdict on one file.

    Raises:
        ServiceError: no decoder can be started.
    """
    name = shown(path)
    if name.encode("utf-8") != os.fsencode(path):
        bad = InputError(name, "its name is no valid UTF-8", reason="bad_name", do="Rename it.")
        return _rejected(name, bad)
    try:
        body = read_path(path, limits=limits)
    except LowdiffError as refusal:  # a disk that fails is a verdict here, too
        return _rejected(name, refusal)
    try:
        facts = decoders.describe(body, item=name, limits=limits).facts
    except InputError as refusal:
        return _rejected(name, refusal)
    return {
        "path": name,
        "verdict": "ok",
        "reason": None,
        "message": None,
        "format": facts.format,
        "width_px": facts.width_px,
        "height_px": facts.height_px,
        "embedded": dict(facts.embedded),
    }


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """What `finds_below` finds, without its errors."""
    return (found for found in finds_below(paths) if isinstance(found, Path))


def finds_below(paths: Iterable[Path]) -> Iterator[Path | InputError]:
    """The paths themselves, and all files below those that are folders.

    Links to folders are not followed; a folder that cannot be listed is an error in its place.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        unreadable: list[OSError] = []
        for here, folders, names in os.walk(path, onerror=unreadable.append):
            folders.sort()
            yield from map(_unlisted, unreadable)
            unreadable.clear()
            yield from (Path(here) / name for name in sorted(names))
        yield from map(_unlisted, unreadable)


def shown(path: Path) -> str:
    """A path that can be printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def _unlisted(error: OSError) -> InputError:
    folder = shown(Path(error.filename))
    return InputError(folder, f"cannot be listed ({error.strerror})", reason="folder_unreadable")


def _rejected(name: str, refusal: LowdiffError) -> Verdict:
    return {
        "path": name,
        "verdict": "rejected",
        "reason": refusal.reason,
        "message": str(refusal),
        "format": None,
        "width_px": None,
        "height_px": None,
        "embedded": {},
    }
