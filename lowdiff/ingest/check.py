"""Verdicts on files without a workspace: would they be taken?"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lowdiff.errors import InputError
from lowdiff.ingest.decoders import Decoders
from lowdiff.ingest.folder import read_path
from lowdiff.ingest.limits import Limits


def check_file(path: Path, *, decoders: Decoders, limits: Limits) -> dict[str, Any]:
    """`path`, `verdict` (`ok` or `rejected`), `reason`, `message`, `format`, `width_px`, …"""
    verdict: dict[str, Any] = {
        "path": str(path),
        "verdict": "ok",
        "reason": None,
        "message": None,
        "format": None,
        "width_px": None,
        "height_px": None,
    }
    try:
        body = read_path(path, limits=limits)
        facts = decoders.describe(body, item=str(path), limits=limits).facts
    except InputError as refusal:
        return {**verdict, "verdict": "rejected", "reason": refusal.reason, "message": str(refusal)}
    return {
        **verdict,
        "format": facts.format,
        "width_px": facts.width_px,
        "height_px": facts.height_px,
    }


def files_below(paths: Sequence[Path]) -> Iterator[Path]:
    """Each file once it is reached: the paths themselves, and all files below folders."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for here, folders, names in os.walk(path):
            folders.sort()
            yield from (Path(here) / name for name in sorted(names))
