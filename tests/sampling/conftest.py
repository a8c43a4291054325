from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import torch

from lowdiff.catalog import open_catalog
from lowdiff.training.runs import TrainedRun
from lowdiff.workspace import Workspace
from tests.training.drawn import drawn_version
from tests.training.trained import Lab


class TrainedLab(Lab):
    """A workspace with a tiny autoencoder and a tiny denoiser."""

    vae_run: TrainedRun
    unet_run: TrainedRun


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainedLab]:
    torch.set_num_threads(1)
    root: Path = tmp_path_factory.mktemp("sampling")
    space = Workspace(root).create()
    catalog = open_catalog(space)
    version = drawn_version(space, catalog, datetime(2026, 1, 2, 3, 4, 5))
    trained = TrainedLab(version, space, catalog)
    trained.vae_run = trained.vae()
    trained.unet_run = trained.unet(trained.vae_run)
    yield trained
    catalog.close()
