"""The demo corpus: OpenMoji, brought through npm and kept with its licence."""

import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lowdiff.errors import ContractError, ServiceError
from lowdiff.ingest.npm import Package, fetch_package
from lowdiff.workspace import Workspace

OPENMOJI = Package(
    name="openmoji",
    version="17.0.0",
    integrity=(
        "sha512-EBnYrNGdcdw+OSXmENeNE1yBNRu6tOraTmoOyUbJkTmvT/+XETp8RZLSJFzD3lrPc5N9CzsyPnRTk0Vp4UaI9w=="
    ),
)
LICENCE = "CC-BY-SA-4.0"
ATTRIBUTION = (
    "All emojis designed by OpenMoji – the open-source emoji and icon project. "
    "License: CC BY-SA 4.0"
)
HOMEPAGE = "https://openmoji.org/"
KEPT = ("package/color/svg/", "package/data/openmoji.json", "package/LICENSE.txt")


@dataclass(frozen=True)
class Graphic:
    """One OpenMoji graphic without skin tone."""

    hexcode: str
    title: str
    group: str
    tags: tuple[str, ...]
    path: Path


def corpus_folder(workspace: Workspace) -> Path:
    """Where the corpus lies."""
    return workspace.corpora / "openmoji"


def bring_openmoji(workspace: Workspace, *, say: Callable[[str], None] | None = None) -> Path:
    """Download OpenMoji unless it is here already; returns the folder of its package.

    The folder appears whole or not at all. LICENSE.txt and ATTRIBUTION.txt lie beside it.

    Raises:
        ServiceError: npm is missing or fails, or the disk is full.
        ContractError: npm brought something else.
    """
    root = corpus_folder(workspace)
    package = root / "package"
    wanted = {"name": OPENMOJI.name, "version": OPENMOJI.version, "integrity": OPENMOJI.integrity}
    if _read_json(package / "brought.json") == wanted:
        return package
    if say is not None:
        say(f"bringing {OPENMOJI.name} {OPENMOJI.version} through npm …")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".bringing-") as aside:
            tarball = fetch_package(OPENMOJI, Path(aside))
            fresh = _unpack(tarball, Path(aside))
            (fresh / "brought.json").write_text(json.dumps(wanted, indent=2), encoding="utf-8")
            shutil.copy(fresh / "LICENSE.txt", root / "LICENSE.txt")
            (root / "ATTRIBUTION.txt").write_text(f"{ATTRIBUTION}\n{HOMEPAGE}\n", encoding="utf-8")
            if package.exists():
                shutil.rmtree(package)
            fresh.rename(package)
    except OSError as error:
        raise ServiceError(
            root,
            f"cannot be written ({error.strerror})",
            reason="corpus_not_writable",
            do="Free the disk or mend the permissions, then run the same command again.",
        ) from error
    return package


def read_graphics(package: Path) -> list[Graphic]:
    """All graphics without skin-tone variants, in the order of their hexcodes.

    Raises:
        ContractError: the package is not as we know it.
    """
    index = package / "data" / "openmoji.json"
    rows = _read_json(index)
    if not isinstance(rows, list):
        raise ContractError(
            index, "is missing or broken", reason="bad_corpus", do=f"Delete {package} and retry."
        )
    graphics = []
    for row in rows:
        path = package / "color" / "svg" / f"{row['hexcode']}.svg"
        if not row["skintone"] and path.is_file():
            graphics.append(
                Graphic(row["hexcode"], row["annotation"], row["group"], _tags(row), path)
            )
    return sorted(graphics, key=lambda graphic: graphic.hexcode)


def _unpack(tarball: Path, aside: Path) -> Path:
    """Unpack only what we use."""
    try:
        with tarfile.open(tarball) as archive:
            members = [one for one in archive if one.isfile() and one.name.startswith(KEPT)]
            archive.extractall(aside, members=members, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise ServiceError(
            tarball.name, f"cannot be unpacked ({error})", reason="bad_tarball"
        ) from error
    return aside / "package"


def _tags(row: dict[str, Any]) -> tuple[str, ...]:
    said = f"{row.get('tags', '')},{row.get('openmoji_tags', '')}"
    return tuple(dict.fromkeys(tag for tag in map(str.strip, said.split(",")) if tag))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
