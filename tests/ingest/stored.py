"""Short ways to look at sources of every kind."""

from pathlib import Path
from typing import Any

from lowdiff.errors import InputError
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.offered import Found, Opened
from lowdiff.ingest.opening import open_items
from lowdiff.ingest.source_kinds import KINDS, Source


def source_of(kind: str, **keys: Any) -> Source:
    values = {"name": "one", "licence": "CC0-1.0", "attribution": "us", **keys}
    return KINDS[kind].model_validate({"kind": kind, **values})


def opened(kind: str, root: Path, **keys: Any) -> Opened:
    source = source_of(kind, **keys)
    return open_items(source, root=root, copies=root / "copies")  # type: ignore[arg-type]


def offered(items: Opened) -> dict[str, Found]:
    return {one.offer.url: one for one in items.found() if isinstance(one, Found)}


def refused(items: Opened) -> dict[str, str]:
    """Item → reason."""
    return {one.item: one.reason for one in items.found() if isinstance(one, InputError)}


def bodies(items: Opened, **limits: Any) -> dict[str, bytes]:
    return {url: items.read(url, limits=Limits(**limits)).body for url in offered(items)}
