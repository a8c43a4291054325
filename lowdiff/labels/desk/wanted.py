"""Which tasks a project should have now, beside those that it has. No server is asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import Artifact, LabelTask
from lowdiff.labels.desk.candidates import DRAFT, push_stage
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.queue.priority import Next
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import TEXT, fields_of

PUSHING, PUSHED, TOUCHED, DONE = "pushing", "pushed", "touched", "done"
SETTLED, GONE = "settled", "gone"
"""States of a task; `LabelTask.state` says what they mean."""
MOVED = 0.05
"""A task that comes before or after this share of the others now is told to the server."""
DRIFTED = 0.2
"""So is one whose priority is another by this much: each task that is done shifts all others a
little, and new tasks must find their place among the old."""
MOST_MOVED = 500
"""So many of those in one round, the foremost first: the rest is far from being seen."""

FRONT = 100
"""Tasks at the front of the queue that are changed in place, never replaced."""


@dataclass(frozen=True)
class Wanted:
    """One image that a person should see on one screen."""

    image_id: str
    ask: tuple[str, ...]
    """The fields to show."""
    priority: float
    """In (0, 1]; the highest is next."""
    moved: bool = False
    """Its place is another than the server was told."""


@dataclass(frozen=True)
class Plan:
    """What push has to do for one project."""

    fresh: list[Wanted] = field(default_factory=list)
    """Tasks to make, the next one first."""
    present: list[Wanted] = field(default_factory=list)
    """Tasks that are there and not done: to be brought up to date where nobody works on them."""
    settled: list[str] = field(default_factory=list)
    """Ids of images whose untouched tasks ask nothing any more."""
    front: frozenset[str] = frozenset()
    """Ids of images whose tasks may be on somebody's screen now."""


def of_screen(
    queue: Sequence[Next], schema: Schema, screen: str, *, doubtful: Collection[str]
) -> list[Wanted]:
    """The part of the queue that belongs to a screen.

    Args:
        doubtful: images whose text a person should read on the screen of the text; the form does
            not ask it then.
    """
    texts = {one.name for one in fields_of(schema, TEXT)}
    found = []
    for one in queue:
        there = texts if one.image_id in doubtful else set()
        ask = tuple(name for name in one.ask if (name in there) == (screen == TEXT))
        if ask:
            found.append(Wanted(one.image_id, ask, one.priority))
    return found


def doubtful_texts(session: Session) -> set[str]:
    """Images with text of which OCR says that a person should look."""
    query = (
        select(Artifact.image_id, Artifact.payload)
        .where(Artifact.stage == "ocr", Artifact.state == "ok")
        .order_by(Artifact.updated_at)
    )
    newest = {row.image_id: row.payload or {} for row in session.execute(query)}
    return {
        image_id
        for image_id, read in newest.items()
        if read.get("needs_review") and read.get("words")
    }


def make_plan(
    project: TaskProject,
    wanted: Sequence[Wanted],
    *,
    catalog: Catalog,
    said: Mapping[str, Collection[str]],
    looks: Mapping[str, Collection[str]],
    gold: Mapping[str, Collection[str]],
    accounts: int = 1,
) -> Plan:
    """Compare what should be there with the tasks that we know of.

    An image whose task is done gets a further one for what nobody has said yet, and for what shall
    be said once more.

    Args:
        said: image id → fields that people have said.
        looks: image id → fields of which a second look is waited for.
        gold: image id → fields whose answer is known; one is asked once for every account.
        accounts: how many there are on the server.
    """
    with catalog.read() as session:
        rows = newest_tasks(session, project)
        drafted, refused = _drafted(session), _refused(session, project)
    plan = Plan()
    for one in wanted:
        row = rows.get(one.image_id)
        if row is None or row.state in (PUSHING, GONE):
            if one.image_id in drafted and one.image_id not in refused:
                plan.fresh.append(one)
        elif row.state == DONE:
            again = set(looks.get(one.image_id, ()))
            if round_of(row.external_key) < accounts:
                again |= set(gold.get(one.image_id, ()))
            left = _left(one, said.get(one.image_id, ()), again)
            if left:
                plan.fresh.append(replace(one, ask=left))
        else:  # what was begun may have been thrown away since
            plan.present.append(one)
    moved = _moved(plan.present, rows)
    present = [replace(one, moved=one.image_id in moved) for one in plan.present]
    asked = {one.image_id for one in wanted}
    settled = [
        image_id
        for image_id, row in rows.items()
        if row.state in (PUSHED, SETTLED) and image_id not in asked
    ]
    return replace(plan, present=present, settled=settled, front=_front(rows))


def _moved(present: Sequence[Wanted], rows: Mapping[str, LabelTask]) -> set[str]:
    """Images whose tasks the server serves at quite another place; the foremost ones of them."""
    there = [one for one in present if rows[one.image_id].state == PUSHED]
    told = {one.image_id: rows[one.image_id].priority or 0.0 for one in there}
    before = {one: at for at, one in enumerate(sorted(told, key=lambda one: -told[one]))}
    ordered = sorted(there, key=lambda one: -one.priority)
    far = MOVED * len(there)
    moved = [
        one
        for at, one in enumerate(ordered)
        if abs(at - before[one.image_id]) > far or abs(told[one.image_id] - one.priority) > DRIFTED
    ]
    moved.sort(key=lambda one: -max(one.priority, told[one.image_id]))
    return {one.image_id for one in moved[:MOST_MOVED]}


def _front(rows: Mapping[str, LabelTask]) -> frozenset[str]:
    """What the server serves next, by its scores; it does not say what it has served."""
    there = [row for row in rows.values() if row.state == PUSHED]
    foremost = sorted(there, key=lambda row: -(row.priority or 0.0))[:FRONT]
    return frozenset(row.image_id for row in foremost)


def newest_tasks(
    session: Session, project: TaskProject, image_ids: Sequence[str] | None = None
) -> dict[str, LabelTask]:
    """Image id → its latest task in a project, as far as we know."""
    query = select(LabelTask).where(LabelTask.project_key == project.key)
    if image_ids is not None:
        query = query.where(LabelTask.image_id.in_(image_ids))
    found: dict[str, LabelTask] = {}
    for row in session.scalars(query):
        known = found.get(row.image_id)
        if known is None or round_of(known.external_key) < round_of(row.external_key):
            found[row.image_id] = row
    return found


def external_key(image_id: str, project: TaskProject, schema: Schema, number: int = 1) -> str:
    """Our unique name of a task: `<image id>:<major>:<project tag>`, then `:2` for a second one."""
    key = f"{image_id}:{schema.major}:{project.tag}"
    return key if number == 1 else f"{key}:{number}"


def round_of(key: str) -> int:
    """Which task of its image this is: 1 for the first."""
    parts = key.split(":")
    return int(parts[3]) if len(parts) > 3 else 1


def _left(one: Wanted, said: Collection[str], again: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in one.ask if name not in said or name in again)


def _drafted(session: Session) -> set[str]:
    query = select(Artifact.image_id).where(Artifact.stage == DRAFT, Artifact.state == "ok")
    return set(session.scalars(query.distinct()))


def _refused(session: Session, project: TaskProject) -> set[str]:
    stage = push_stage(project)
    query = select(Artifact.image_id).where(
        Artifact.stage == stage.name,
        Artifact.params_hash == stage.params_hash,
        Artifact.state == "refused",
    )
    return set(session.scalars(query))
