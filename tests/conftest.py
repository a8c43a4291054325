"""What all tests share: a fresh workspace, the real data where a machine has it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.ops.project import Project, open_project
from lowdiff.ops.secrets import label_studio_login
from lowdiff.ops.services import down, label_studio_access, prefect_api_url, up
from lowdiff.store import Store, open_store
from lowdiff.workspace import Workspace
from tests.postgres import NewDatabase, running_postgres


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
def new_postgres() -> Iterator[NewDatabase]:
    """Makes an empty PostgreSQL database and tells its URL; one server for the whole session."""
    with running_postgres() as new_database:
        yield new_database


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Real images with ground truth, where a machine has them."""
    folder = os.environ.get("LOWDIFF_TEST_DATA")
    if not folder:
        pytest.skip("LOWDIFF_TEST_DATA is not set: no real images to test on")
    return Path(folder)


@dataclass(frozen=True)
class LabelStudioServer:
    """The session's real Label Studio."""

    url: str
    token: str
    username: str
    password: str
    document_root: Path
    """Images that it shall serve must lie below this folder."""


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A workspace whose Prefect server and Label Studio run; one for the whole session."""
    folder = tmp_path_factory.mktemp("services") / "data"
    with open_project(folder) as project:
        try:
            up(project.settings, project.workspace)
            yield project
        finally:
            down(project.workspace)


@pytest.fixture(scope="session")
def label_studio(services: Project) -> LabelStudioServer:
    access = label_studio_access(services.settings, services.workspace)
    login = label_studio_login(services.workspace)
    return LabelStudioServer(
        url=access.url,
        token=access.token,
        username=login.username,
        password=login.password,
        document_root=services.workspace.served,
    )


@pytest.fixture(scope="session")
def prefect_api(services: Project) -> str:
    """The address of the session's real Prefect API."""
    return prefect_api_url(services.settings, services.workspace)
