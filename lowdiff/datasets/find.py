"""Find dataset versions by name and number."""

from typing import Any

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import DatasetVersion
from lowdiff.catalog.versions import find_version, newest_version
from lowdiff.datasets.read import Version, open_version
from lowdiff.errors import InputError
from lowdiff.workspace import Workspace


def open_dataset(
    catalog: Catalog, workspace: Workspace, name: str, number: int | None = None
) -> Version:
    """Open a version of a dataset, the newest by default.

    Raises:
        InputError: there is no such version.
        ContractError: its files are missing or changed.
    """
    with catalog.read() as session:
        row = (
            newest_version(session, name) if number is None else find_version(session, name, number)
        )
        path = row.path if row else None
    if path is None:
        raise InputError(
            name if number is None else f"{name}@{number}",
            "there is no such dataset version",
            reason="no_such_version",
            do="See `lowdiff dataset list`, or make one with `lowdiff export`.",
        )
    return open_version(workspace.root / path)


def parse_reference(text: str, *, default_name: str) -> tuple[str, int | None]:
    """Read `brand@3`, `brand`, `3` or `v3` as (name, number or None for the newest).

    Raises:
        InputError: the part behind `@` is no number.
    """
    name, at, number = text.rpartition("@")
    if not at and not text.removeprefix("v").isdigit():
        name, number = text, ""
    digits = number.removeprefix("v")
    if number and not digits.isdigit():
        raise InputError(
            text, "is no dataset version", reason="bad_reference", allowed="name, name@3 or 3"
        )
    return name or default_name, int(digits) if digits else None


def list_versions(catalog: Catalog) -> list[dict[str, Any]]:
    """The facts of every version that the catalog knows, by name and number."""
    columns = ("name", "version", "digest", "schema_version", "counts", "path", "created_at")
    with catalog.read() as session:
        query = select(DatasetVersion).order_by(DatasetVersion.name, DatasetVersion.version)
        return [{key: getattr(row, key) for key in columns} for row in session.scalars(query)]
