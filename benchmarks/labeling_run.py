"""A scripted annotator works through lowdiff's queue, round by round, until nothing is open."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from benchmarks.annotator import Annotator, Answer
from benchmarks.keystrokes import Effort
from benchmarks.label_truth import Known, is_right
from benchmarks.labeling_breakdown import Ledger
from benchmarks.labeling_server import Server
from lowdiff.catalog.labels import Label, append_events, current_labels
from lowdiff.labels.accept.policy import Policy, counts, resolve
from lowdiff.labels.desk.pull import label_events
from lowdiff.labels.desk.remote import RemoteAnnotation
from lowdiff.labels.desk.tasks import Box, Form, from_result, to_result
from lowdiff.labels.quality.second_look import blind_fields
from lowdiff.labels.queue.priority import WORTH, Next
from lowdiff.labels.schema import Schema, applies
from lowdiff.ops.acceptance import decide_acceptance, present_policy
from lowdiff.ops.label_queue import present_queue
from lowdiff.ops.learning import learn_drafts
from lowdiff.ops.project import Project

BEGAN = datetime(2026, 3, 2, 9)
ACTOR = "annotator@brand.org"
COMMON = 0.9
"""A field whose most frequent value covers more of the images says little."""
Labels = Mapping[str, Mapping[str, Label]]
Note = Callable[[Next, Mapping[str, Any]], tuple[Answer, Sequence[dict[str, Any]]]]
"""Told an image and what its form says: the answer, counted, and the rectangles that were drawn."""


@dataclass(frozen=True)
class Point:
    """Where the run stood after a round."""

    visits: int
    finished: int
    """Images without an open field."""
    seconds: float
    """Of the annotator, up to now."""
    round_seconds: float
    """Mean of this round's images."""
    accepted: float
    """Share of all counted fields that count without a person."""
    accepted_error: float
    """Of those, how many are wrong."""
    human_error: float
    fields_shown: float
    """Mean of this round's images."""
    on: tuple[str, ...]
    """Fields with an accepted drafter."""


@dataclass
class Run:
    """Everything that a run came to."""

    counted: tuple[str, ...]
    points: list[Point] = field(default_factory=list)
    effort: Effort = field(default_factory=Effort)
    by_field: dict[str, Effort] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    shown: Counter[str] = field(default_factory=Counter)
    """Field → images on which a person saw it."""
    seen: Counter[str] = field(default_factory=Counter)
    """Field → how often a person saw it."""
    first_drafts_wrong: Counter[str] = field(default_factory=Counter)
    """Field → images on which a person had to correct it."""
    chunks: int = 0
    """Statements that a person judged; see `annotator.CHUNKS`."""
    visits: int = 0
    again: int = 0
    """Visits of images that had been visited before."""
    machine_cpu_s: float = 0.0
    errors: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    """Field → images, wrong, accepted without a person, wrong among those."""
    truths: Mapping[str, Known] = field(default_factory=dict)


def work_through(
    project: Project,
    schema: Schema,
    truths: Mapping[str, Known],
    annotator: Annotator,
    *,
    batch: int,
    logos: bool,
    say: Callable[[str], None],
    server: Server | None = None,
) -> Run:
    """Round by round: queue, answers, decisions, learning.

    Args:
        batch: images between two rounds of learning.
        logos: the annotator draws the rectangles of logos, too.
        server: where the annotator works; without one the answers go straight to what a pull does.
    """
    run = Run(counted_fields(schema, truths), truths=truths)
    seen: set[tuple[str, str]] = set()
    visited: set[str] = set()

    def note(one: Next, draft: Mapping[str, Any]) -> tuple[Answer, Sequence[dict[str, Any]]]:
        truth = truths[one.image_id]
        answer = annotator.answer(one.ask, draft, truth)
        boxes = truth.logos if logos and "logo" in answer.values else ()
        effort = answer.effort + (annotator.mark_logos(truth) if boxes else Effort())
        again = one.image_id in visited
        run.ledger.add("again" if again else one.kind, answer)
        run.again += again
        _note(run, one, answer, effort, draft, seen, schema)
        visited.add(one.image_id)
        return answer, boxes

    while queue := _timed(run, lambda: present_queue(project, schema)):
        before = run.effort.seconds, run.visits, sum(run.shown.values())
        if server is not None:
            _at_the_server(server, queue, batch, note)
        else:
            _at_home(project, schema, queue[:batch], note, run)
        if run.visits == before[1]:
            raise RuntimeError(f"{len(queue)} images wait, and the server shows none of them")
        _timed(run, lambda: decide_acceptance(project, schema))
        _timed(run, lambda: learn_drafts(project, schema))
        _timed(run, lambda: decide_acceptance(project, schema))
        point = _point(project, schema, run, truths, visited, before)
        run.points.append(point)
        say(told(point, len(queue)))
    policy = present_policy(project)
    with project.catalog.read() as session:
        run.errors = field_errors(schema, run.counted, truths, current_labels(session), policy)
    return run


def _at_home(project: Project, schema: Schema, queue: Sequence[Next], note: Note, run: Run) -> None:
    with project.catalog.read() as session:
        labels = current_labels(session, [one.image_id for one in queue])
        blind = blind_fields(session)
    events = []
    for one in queue:
        hidden = blind.get(one.image_id, frozenset())
        said = labels.get(one.image_id, {})
        draft = {name: label.value for name, label in said.items() if name not in hidden}
        answer, boxes = note(one, draft)
        events += _events(schema, one, answer, boxes, run)
    with project.catalog.write() as session:
        append_events(session, events)


def _at_the_server(server: Server, queue: Sequence[Next], batch: int, note: Note) -> None:
    """Push, answer what the server shows, pull."""
    server.bring()
    kinds = {one.image_id: one.kind for one in queue}
    for _ in range(batch):
        shown = server.next()
        if shown is None:
            break
        kind = kinds.get(shown.image_id, WORTH)
        answer, _boxes = note(Next(shown.image_id, 1.0, kind, shown.ask), shown.form)
        server.submit(shown, answer)
    server.pull()


def told(point: Point, waiting: int) -> str:
    """One line of the learning curve."""
    return (
        f"{point.visits:>6}{point.finished:>9}{waiting:>8}{point.round_seconds:>8.1f}"
        f"{point.fields_shown:>7.1f}{point.accepted:>9.1%}{point.accepted_error:>8.1%}"
        f"{point.human_error:>8.1%}  {' '.join(point.on)}"
    )


HEADING = (
    f"{'visits':>6}{'finished':>9}{'waiting':>8}{'s/img':>8}{'shown':>7}{'accepted':>9}"
    f"{'wrong':>8}{'human':>8}  accepted fields"
)


def counted_fields(schema: Schema, truths: Mapping[str, Known]) -> tuple[str, ...]:
    """The fields whose most frequent value covers less than COMMON of the images."""
    found = []
    for one in schema.fields:
        values = Counter(str(truth.fields[one.name]) for truth in truths.values())
        if max(values.values()) < COMMON * len(truths):
            found.append(one.name)
    return tuple(found)


def field_errors(
    schema: Schema,
    names: Sequence[str],
    truths: Mapping[str, Known],
    labels: Labels,
    policy: Policy,
) -> dict[str, tuple[int, int, int, int]]:
    """Field → labels that count, wrong ones, those by machines, wrong ones of these.

    Unusable images are left out but for their flags: nobody uses their other labels.
    """
    found = {}
    for name in names:
        total = wrong = accepted = accepted_wrong = 0
        for image_id, truth in truths.items():
            if not truth.usable and name != "flags":
                continue
            of_image = labels.get(image_id, {})
            # as a dataset takes them: the caption tells what the other labels say
            of_image = of_image | (resolve(of_image, schema, policy) or {})
            values = {key: label.value for key, label in of_image.items()}
            said, label = values.get(name), of_image.get(name)
            depends = schema.field(name).only_if
            if not applies(schema.field(name), values) and depends is not None:
                decides = of_image.get(depends.field)
                if decides is None or not counts(schema.field(depends.field), decides, policy):
                    continue
                said, label = "", decides
            elif label is None or not counts(schema.field(name), label, policy):
                continue
            is_wrong = not is_right(schema, name, said, truth)
            machine = label is not None and not label.is_human
            total, wrong = total + 1, wrong + is_wrong
            accepted, accepted_wrong = accepted + machine, accepted_wrong + (machine and is_wrong)
        found[name] = (total, wrong, accepted, accepted_wrong)
    return found


def _note(
    run: Run, one: Next, answer: Answer, effort: Effort, draft: Mapping[str, Any],
    seen: set[tuple[str, str]], schema: Schema,
) -> None:  # fmt: skip
    run.visits += 1
    run.effort += effort
    run.chunks += answer.chunks
    for name, part in answer.by_field.items():
        run.by_field[name] = run.by_field.get(name, Effort()) + part
        run.shown[name] += (one.image_id, name) not in seen
        run.seen[name] += 1
        seen.add((one.image_id, name))
        if not is_right(schema, name, draft.get(name), run.truths[one.image_id]):
            run.first_drafts_wrong[name] += 1


def _events(
    schema: Schema, one: Next, answer: Answer, boxes: Sequence[dict[str, Any]], run: Run
) -> list[Any]:
    """What a pull makes of the annotation."""
    form = Form(answer.values, tuple(Box(**box) for box in boxes), one.ask)
    result = to_result(schema, form, width_px=256, height_px=256)
    moment = BEGAN + timedelta(seconds=run.effort.seconds)
    annotation = RemoteAnnotation(
        id=run.visits, updated_at=moment, revision=moment.isoformat(), author_id=1, result=result,
        was_skipped=False, lead_time_s=answer.effort.seconds,
    )  # fmt: skip
    return label_events(
        annotation, image_id=one.image_id, form=from_result(schema, result), schema=schema,
        actor=ACTOR, key=f"{run.visits}:{annotation.revision}@benchmark",
    )  # fmt: skip


def _point(
    project: Project, schema: Schema, run: Run, truths: Mapping[str, Known],
    visited: set[str], before: tuple[float, int, int],
) -> Point:  # fmt: skip
    policy = present_policy(project)
    with project.catalog.read() as session:
        labels = current_labels(session)
    errors = field_errors(schema, run.counted, truths, labels, policy)
    total = sum(truth.usable for truth in truths.values()) * len(run.counted)
    accepted = sum(one[2] for one in errors.values())
    accepted_wrong = sum(one[3] for one in errors.values())
    human = sum(one[0] - one[2] for one in errors.values())
    human_wrong = sum(one[1] - one[3] for one in errors.values())
    round_visits = run.visits - before[1]
    return Point(
        visits=run.visits,
        finished=len(visited),
        seconds=run.effort.seconds,
        round_seconds=(run.effort.seconds - before[0]) / max(1, round_visits),
        accepted=accepted / max(1, total),
        accepted_error=accepted_wrong / max(1, accepted),
        human_error=human_wrong / max(1, human),
        fields_shown=(sum(run.shown.values()) - before[2]) / max(1, round_visits),
        on=tuple(sorted({field for field, _ in policy.rules})),
    )


def _timed(run: Run, do: Callable[[], Any]) -> Any:
    started = time.process_time()
    result = do()
    run.machine_cpu_s += time.process_time() - started
    return result
