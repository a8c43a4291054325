"""Every test of the catalog runs on each database that we support."""

from collections.abc import Iterator

import pytest

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.workspace import Workspace


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest) -> str | None:
    """None: SQLite in the workspace."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("new_postgres")()
    return url


@pytest.fixture
def catalog(workspace: Workspace, catalog_url: str | None) -> Iterator[Catalog]:
    opened = open_catalog(workspace, catalog_url)
    yield opened
    opened.close()
