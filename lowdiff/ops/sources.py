"""Open the sources of a workspace: their clients, their decoders, the galleries they serve."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lowdiff.catalog.policies import PolicyAnswers
from lowdiff.ingest.gallery import serve_sources
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.outside import Outside, open_outside
from lowdiff.ingest.sources import choose_sources
from lowdiff.ops.project import Project


@contextmanager
def open_sources(project: Project, names: Sequence[str]) -> Iterator[Outside]:
    """Open sources by name (or by the path of their file), all of them when none is named.

    Raises:
        InputError: a source is not known or its file is wrong.
        ServiceError: a gallery's port is in use.
    """
    chosen = choose_sources(project.workspace.sources, names)
    with (
        serve_sources(chosen.values(), project.workspace),
        open_outside(
            chosen,
            workspace=project.workspace,
            limits=Limits.of(project.settings),
            workers=project.settings.workers,
            answers=PolicyAnswers(project.catalog),
        ) as outside,
    ):
        yield outside
