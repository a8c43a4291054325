"""Keep labeling going: pull often, bring the tasks up to date when it is worth while."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from lowdiff.errors import InputError, ServiceError
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.receiver import Receiver, receiving
from lowdiff.labels.schema import Schema
from lowdiff.ops.label_push import Watch, push_all, unwatched
from lowdiff.ops.label_round import Round, label_round
from lowdiff.ops.labeling import screens
from lowdiff.ops.project import Project

GATHER_S = 1.0
"""Hints of so long a time lead to one pull."""
Say = Callable[[str], None]


@dataclass
class _Due:
    """When tasks are brought up to date: after so many answers, or so long after the first."""

    answers: int
    seconds: float
    waiting: int = 0
    since: float = field(default_factory=time.monotonic)

    def __call__(self, found: Round) -> bool:
        pulled = found.pulled
        if self.waiting == 0:
            self.since = time.monotonic()
        self.waiting += pulled.annotations + pulled.skipped + pulled.withdrawn + pulled.gone
        waited = time.monotonic() - self.since >= self.seconds
        news = found.learned is not None or bool(found.switched)
        is_due = news or self.waiting >= self.answers or (self.waiting > 0 and waited)
        if is_due:
            self.waiting = 0
        return is_due


def watch_labels(
    project: Project,
    client: LabelStudio,
    schema: Schema,
    *,
    every_s: float,
    refresh_s: float,
    refresh_after: int,
    receive: bool,
    told: Callable[[Round], bool],
    say: Say,
    watch: Watch = unwatched,
) -> None:
    """Go round until `told` says that it is enough; what fails is tried again in the next round.

    Args:
        every_s: seconds between two pulls.
        refresh_s, refresh_after: tasks follow what was learned after so many seconds, or so many
            answers, whichever comes first.
        receive: listen for Label Studio's hints, too.
        told: hears what each round came to; True goes on.

    Raises:
        ServiceError: the server does not answer at the start.
    """
    push_all(project, client, schema, watch=watch)  # makes what is missing
    due = _Due(refresh_after, refresh_s)
    with _listening(project, client, schema, receive=receive, say=say) as receiver:
        while True:
            try:
                found = label_round(project, client, schema, is_due=due, watch=watch)
                goes_on = told(found)
            except ServiceError as error:
                say(f"{error} (tried again in {every_s:.0f} s)")
                goes_on = True
            if not goes_on:
                return
            _pause(receiver, every_s)


def _pause(receiver: Receiver | None, every_s: float) -> None:
    if receiver is None:
        time.sleep(every_s)
    elif receiver.wait(every_s):
        time.sleep(GATHER_S)


@contextmanager
def _listening(
    project: Project, client: LabelStudio, schema: Schema, *, receive: bool, say: Say
) -> Iterator[Receiver | None]:
    """A receiver that Label Studio calls, or None where it is not wanted or not possible."""
    with ExitStack() as stack:
        receiver = None
        if receive:
            try:
                receiver = stack.enter_context(receiving(client, screens(project, client, schema)))
            except InputError as refusal:
                say(str(refusal))
        yield receiver
