"""What all tests share: a fresh workspace, the real data where a machine has it."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.store import Store, open_store
from lowdiff.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data").create()


@pytest.fixture
def catalog(workspace: Workspace) -> Iterator[Catalog]:
    opened = open_catalog(workspace)
    yield opened
    opened.close()


@pytest.fixture
def store(workspace: Workspace) -> Store:
    return open_store(workspace.root)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Real images with ground truth, where a machine has them."""
    folder = os.environ.get("LOWDIFF_TEST_DATA")
    if not folder:
        pytest.skip("LOWDIFF_TEST_DATA is not set: no real images to test on")
    return Path(folder)
