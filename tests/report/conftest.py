"""A whole small project, written once, and a page of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.labels.accept.policy import by_confidence
from lowdiff.labels.schema import load_schema
from lowdiff.report.inputs import Inputs
from lowdiff.report.write import write_report
from lowdiff.store import Store, open_store
from lowdiff.workspace import Workspace
from tests.report.workspace import ACCEPT, NOW, Small, whole_road


def inputs_of(small: Small) -> Inputs:
    return Inputs(
        small.catalog, small.store, small.workspace, load_schema(), by_confidence(ACCEPT), "brand"
    )


def write(small: Small, **arguments: Any) -> Path:
    return write_report(
        catalog=small.catalog,
        store=small.store,
        workspace=small.workspace,
        schema=load_schema(),
        policy=by_confidence(ACCEPT),
        dataset_name="brand",
        now=lambda: NOW,
        **arguments,
    )


@dataclass(frozen=True)
class Page:
    """A written page, and what a browser makes of it."""

    path: Path
    text: str
    tree: LexborHTMLParser

    def section(self, name: str) -> str:
        """The words of one section."""
        found = self.tree.css_first(f"section#{name}")
        assert found is not None
        return " ".join(found.text(separator=" ").split())


def read_page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    return Page(path, text, LexborHTMLParser(text))


@pytest.fixture
def small(catalog: Catalog, store: Store, workspace: Workspace) -> Small:
    """An empty project of the test's own."""
    return Small(catalog, store, workspace)


@pytest.fixture
def page_of() -> Callable[[Small], Page]:
    return lambda small: read_page(write(small))


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Everything there is; shared, so leave it as it is."""
    workspace = Workspace(tmp_path_factory.mktemp("report") / "data").create()
    catalog = open_catalog(workspace)
    yield whole_road(Small(catalog, open_store(workspace.root), workspace))
    catalog.close()


@pytest.fixture(scope="session")
def page(whole: Small) -> Page:
    return read_page(write(whole))
