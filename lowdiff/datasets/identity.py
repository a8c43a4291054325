"""What makes a dataset version itself: digests over its members, labels and recipe."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def row_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 of everything that a row says of an image: labels, provenance, text.

    Pixels and split are left out: the first follow from image id and recipe, the second is
    hashed beside it.
    """
    said = {key: value for key, value in row.items() if key not in ("image", "split")}
    return hashlib.sha256(canonical(said)).hexdigest()


def members_digest(members: Iterable[tuple[str, str, str]]) -> str:
    """SHA-256 over the sorted lines `image_id split row_hash`; the order given does not matter."""
    lines = sorted(" ".join(member) for member in members)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def version_digest(
    members_sha256: str, *, file_format: str, schema_version: str, recipe: Mapping[str, Any]
) -> str:
    """The digest of a version: equal members, labels, schema and recipe make it equal."""
    parts = {
        "members_sha256": members_sha256,
        "format": file_format,
        "schema_version": schema_version,
        "recipe": recipe,
    }
    return hashlib.sha256(canonical(parts)).hexdigest()


def canonical(value: object) -> bytes:
    """One byte string for one JSON value, whatever the order of its keys."""
    text = json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode()
