from datetime import datetime

import pytest
import torch

from lowdiff.catalog import Catalog
from lowdiff.datasets.read import Version
from lowdiff.workspace import Workspace
from tests.training.drawn import drawn_version


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def version(workspace: Workspace, catalog: Catalog, now: datetime) -> Version:
    return drawn_version(workspace, catalog, now)
