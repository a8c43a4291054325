"""One round of labeling: answers in, learn from them, decide what counts, tasks up to date."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select

from lowdiff.catalog.labels import PEOPLE, current_label
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.decide import Verdict
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.pulled import PullReport
from lowdiff.labels.learn.train import GREW
from lowdiff.labels.schema import Schema
from lowdiff.ops.acceptance import decide_acceptance
from lowdiff.ops.label_push import Done, Watch, push_all, unwatched
from lowdiff.ops.labeling import pull_screens
from lowdiff.ops.learning import Learned, learn_drafts
from lowdiff.ops.project import Project

LEAST_LABELLED = 20
"""Images that people have labelled before anything is learned from them."""


@dataclass
class Round:
    """What one round came to."""

    pulled: PullReport = field(default_factory=PullReport)
    learned: Learned | None = None
    """None where there was too little new to learn from."""
    switched: list[Verdict] = field(default_factory=list)
    """Drafts that count now, or count no more."""
    done: Done | None = None
    """None where nothing has changed, so that the tasks stayed as they were."""


def bring_in(project: Project, client: LabelStudio, schema: Schema) -> Round:
    """Pull, learn where there is enough new, and decide which drafts count.

    Raises:
        ServiceError: a service failed; what was done stays, run it again.
    """
    found = Round(pull_screens(project, client, schema))
    found.learned = learn_when_worth_while(project, schema)
    found.switched = [one for one in decide_acceptance(project, schema) if one.switched]
    return found


def label_round(
    project: Project,
    client: LabelStudio,
    schema: Schema,
    *,
    is_due: Callable[[Round], bool] = lambda _found: True,
    watch: Watch = unwatched,
) -> Round:
    """The same, then bring the tasks up to date.

    Args:
        is_due: told what came in; whether the tasks are looked at now.
    """
    found = bring_in(project, client, schema)
    if is_due(found):
        found.done = push_all(project, client, schema, watch=watch)
    return found


def learn_when_worth_while(project: Project, schema: Schema) -> Learned | None:
    """Learn and draft anew when people have labelled so many more images (`GREW`)."""
    memory = project.workspace.cache / "labelled_when_learned.json"
    now = labelled_images(project)
    before = int(json.loads(memory.read_text(encoding="utf-8"))) if memory.is_file() else 0
    if now < max(LEAST_LABELLED, before + 1, before * GREW):
        return None
    learned = learn_drafts(project, schema)
    memory.write_text(json.dumps(now), encoding="utf-8")
    return learned


def labelled_images(project: Project) -> int:
    """Images of which people have said something that may be learned from: not the audited."""
    query = select(current_label.c.image_id).where(current_label.c.origin.in_(PEOPLE)).distinct()
    with project.catalog.read() as session:
        ids = session.scalars(query).all()
    return sum(not is_audit(one, project.settings.audit_share) for one in ids)
