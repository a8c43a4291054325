"""One tiny demo, walked once, for all tests of this folder."""

import pytest

from lowdiff.ingest.demo_corpus import lay_out_openmoji
from lowdiff.ops.processes import free_port
from lowdiff.ops.project import Project
from tests.e2e.road import Person

COUNT = 60
TINY = ("--preset", "tiny", "--prompts", "8")


@pytest.fixture(scope="session")
def gallery_port() -> int:
    return free_port(8950)


@pytest.fixture(scope="session")
def demo(services: Project, gallery_port: int) -> Person:
    """The workspace whose servers run, after `lowdiff demo`."""
    lay_out_openmoji(services.workspace, COUNT, port=gallery_port)
    person = Person(services.workspace.root)
    person.run("demo", "--count", str(COUNT), *TINY)
    return person
