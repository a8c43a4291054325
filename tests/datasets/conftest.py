"""Exports of drawn corpora."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.datasets.export import Exported, export_version
from lowdiff.labels.accept.policy import by_confidence
from lowdiff.labels.schema import load_schema
from lowdiff.store import Store, open_store
from lowdiff.workspace import Workspace
from tests.datasets.corpus import NOW


def export_from(catalog: Catalog, store: Store, workspace: Workspace, **changes: Any) -> Exported:
    options: dict[str, Any] = {
        "name": "brand",
        "image_px": 48,
        "policy": by_confidence(0.75),
        "schema": load_schema(),
        "seed": 0,
        "workers": 2,
        "now": lambda: NOW,
    }
    return export_version(catalog=catalog, store=store, workspace=workspace, **(options | changes))


@pytest.fixture
def export(catalog: Catalog, store: Store, workspace: Workspace) -> Callable[..., Exported]:
    def run(**changes: Any) -> Exported:
        return export_from(catalog, store, workspace, **changes)

    return run


@pytest.fixture
def second(tmp_path: Path) -> Any:
    """Another workspace: (catalog, store, workspace)."""
    workspace = Workspace(tmp_path / "second").create()
    catalog = open_catalog(workspace)
    yield catalog, open_store(workspace.root), workspace
    catalog.close()
