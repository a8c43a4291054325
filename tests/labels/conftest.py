"""A desk of its own for each test, on the session's Label Studio."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from lowdiff.catalog import open_catalog
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.ops.project import open_project
from lowdiff.store import open_store
from lowdiff.workspace import Workspace
from tests.labels.desk import Desk
from tests.labels.rounds import Round


@pytest.fixture
def desk(label_studio) -> Iterator[Desk]:
    workspace = Workspace(label_studio.document_root / uuid.uuid4().hex[:12]).create()
    catalog = open_catalog(workspace)
    with LabelStudio(label_studio.url, label_studio.token) as client:
        yield Desk(client, catalog, open_store(workspace.root), workspace, label_studio)
    catalog.close()


@pytest.fixture
def other_account(desk) -> Iterator[Callable[[], int]]:
    """Makes a second account on the server; it goes again after the test."""
    made = []

    def make() -> int:
        name = f"{uuid.uuid4().hex[:8]}@brand.org"
        user = desk.client._sdk.users.create(email=name, username=name)
        made.append(user.id)
        return user.id

    yield make
    for user_id in made:
        desk.client._sdk.users.delete(id=user_id)


@pytest.fixture
def one(desk, monkeypatch, label_studio) -> Iterator[Round]:
    monkeypatch.setenv("LOWDIFF_LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("LOWDIFF_LABEL_STUDIO_TOKEN", label_studio.token)
    monkeypatch.setenv("LOWDIFF_LABEL_STUDIO_DOCUMENT_ROOT", str(label_studio.document_root))
    monkeypatch.setenv("LOWDIFF_AUDIT_SHARE", "0.000001")
    with open_project(desk.workspace.root) as project:
        yield Round(project, desk)
