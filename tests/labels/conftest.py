"""A desk of its own for each test, on the session's Label Studio."""

import uuid
from collections.abc import Iterator

import pytest

from lowdiff.catalog import open_catalog
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.store import open_store
from lowdiff.workspace import Workspace
from tests.labels.desk import Desk


@pytest.fixture
def desk(label_studio) -> Iterator[Desk]:
    workspace = Workspace(label_studio.document_root / uuid.uuid4().hex[:12]).create()
    catalog = open_catalog(workspace)
    with LabelStudio(label_studio.url, label_studio.token) as client:
        yield Desk(client, catalog, open_store(workspace.root), workspace, label_studio)
    catalog.close()
