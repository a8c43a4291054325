"""Open what every command needs: settings, folders, catalog and store of one workspace."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.settings import Settings, load_settings
from lowdiff.store import Store, open_store
from lowdiff.workspace import Workspace


@dataclass(frozen=True)
class Project:
    """The parts of an opened workspace."""

    settings: Settings
    workspace: Workspace
    catalog: Catalog
    store: Store


@contextmanager
def open_project(folder: Path | None = None) -> Iterator[Project]:
    """Open a workspace, created when it is not there, and close it at the end.

    Args:
        folder: the workspace; default `LOWDIFF_WORKSPACE`, else `data`.
    """
    settings = load_settings(folder)
    workspace = Workspace(settings.workspace).create()
    catalog = open_catalog(workspace, settings.catalog_url)
    try:
        yield Project(
            settings=settings,
            workspace=workspace,
            catalog=catalog,
            store=open_store(settings.store_url or workspace.root),
        )
    finally:
        catalog.close()
