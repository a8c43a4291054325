"""Bring Label Studio's tasks up to date in one go: what `lowdiff label push` and `watch` run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lowdiff.catalog.chunks import chunks
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.push import PushReport, push_batch
from lowdiff.labels.desk.refresh import RefreshReport, refresh_batch, settle_batch
from lowdiff.labels.schema import Schema
from lowdiff.ops.label_news import remember, remembered, state_of_labeling
from lowdiff.ops.labeling import Work, open_office, plan_work, stream_url
from lowdiff.ops.project import Project

BATCH = 250
"""Label Studio takes a batch whole or not at all; this many are in within seconds."""
Advance = Callable[[int], None]
Watch = Callable[[str, int], AbstractContextManager[Advance]]
"""Told what begins and of how many; what it yields is told of each number that is done."""
Item = TypeVar("Item")


@contextmanager
def unwatched(_what: str, _number: int) -> Iterator[Advance]:
    """Shows nothing."""
    yield lambda _done: None


@dataclass
class Done:
    """What became of the tasks."""

    pushed: PushReport = field(default_factory=PushReport)
    refreshed: RefreshReport = field(default_factory=RefreshReport)
    unlicensed: int = 0
    url: str = ""

    def record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "pushed": self.pushed.pushed,
            "adopted": self.pushed.adopted,
            "updated": self.refreshed.updated,
            "removed": self.refreshed.removed,
            "refused": len(self.pushed.refused),
            "unknown_licence": self.unlicensed,
            "url": self.url,
        }


def push_all(
    project: Project,
    client: LabelStudio,
    schema: Schema,
    *,
    limit: int | None = None,
    batch_size: int = BATCH,
    watch: Watch = unwatched,
) -> Done:
    """Make, refresh and take away tasks until both screens are as they should be.

    Where nothing has happened since it was done last, nothing is looked at.

    Args:
        limit: make at most so many tasks that are not there yet, on each screen.

    Raises:
        ServiceError: the server failed; nothing is lost, run it again.
    """
    done = Done()
    before = remembered(project)
    if before.get("state") and before["state"] == state_of_labeling(project, client, schema):
        done.unlicensed = int(before["unlicensed"])
        done.url = stream_url(project, client, schema)
        return done
    for work in plan_work(project, client, schema):
        _bring(work, done, project, client, schema, limit, batch_size, watch)
        done.unlicensed += work.unlicensed
    done.url = stream_url(project, client, schema)
    whole = None if limit is not None else state_of_labeling(project, client, schema)
    remember(project, whole, done.unlicensed)
    return done


def _bring(
    work: Work,
    done: Done,
    project: Project,
    client: LabelStudio,
    schema: Schema,
    limit: int | None,
    batch_size: int,
    watch: Watch,
) -> None:
    office, plan = open_office(project, client, work.target, schema), work.plan
    for ids in _batches(plan.settled, batch_size, "settling", watch):
        done.refreshed.add(settle_batch(ids, office, front=plan.front))
    again = []
    for some in _batches(plan.present, batch_size, "refreshing", watch):
        report = refresh_batch(some, office, front=plan.front)
        again += report.again
        done.refreshed.add(report)
    fresh = sorted([*plan.fresh[:limit], *again], key=lambda one: -one.priority)
    for some in _batches(fresh, batch_size, "pushing", watch):
        done.pushed.add(push_batch(some, office))


def _batches(items: Sequence[Item], size: int, what: str, watch: Watch) -> Iterator[Sequence[Item]]:
    if not items:
        return
    with watch(what, len(items)) as advance:
        for some in chunks(items, size):
            yield some
            advance(len(some))
