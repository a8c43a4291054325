"""How good the labels of people are, which of them look wrong, and what people see next."""

from dataclasses import dataclass

from sqlalchemy import select

from lowdiff.catalog.tables import Image
from lowdiff.labels.learn.features import BUILTIN
from lowdiff.labels.quality.agreement import Agreement, measure_agreement
from lowdiff.labels.quality.annotators import Annotator, describe_annotators
from lowdiff.labels.quality.page import told
from lowdiff.labels.quality.ratings import read_ratings
from lowdiff.labels.quality.second_look import open_second_looks
from lowdiff.labels.quality.suspects import Suspect, find_suspects
from lowdiff.labels.queue.likeness import read_likeness
from lowdiff.labels.queue.priority import make_queue
from lowdiff.labels.queue.words import reasons
from lowdiff.pages.sheet import Picture
from lowdiff.report.gallery import show
from lowdiff.report.inputs import Inputs

SUSPECTS = 6
NEXT = 6
PICTURE_PX = 168


@dataclass(frozen=True)
class Seen:
    """An image with what is to be said of it."""

    picture: Picture
    title: str
    headline: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class LabelQuality:
    """What is known of the people's labels, and of the queue."""

    agreement: tuple[Agreement, ...]
    """Fields that several people have judged on one image."""
    annotators: tuple[Annotator, ...]
    """Sorted by name."""
    suspects: int
    """Labels that contradict what was measured, other labels or a twin; no classifier is asked."""
    suspects_shown: tuple[Seen, ...]
    second_looks: int
    """Labels that people were asked to look at again, and have not yet."""
    queue: int
    """Images that a person should see."""
    queue_shown: tuple[Seen, ...]


def gather_label_quality(inputs: Inputs) -> LabelQuality:
    """Read everything once; known answers are not told, for annotators may read the page."""
    schema = inputs.schema
    with inputs.catalog.read() as session:
        ratings = read_ratings(session)
        rows = [row for row in measure_agreement(ratings, schema) if row.interval or row.same]
        people = describe_annotators(session, ratings, schema)
        suspects = find_suspects(session, schema) if ratings else []
        looks = sum(len(fields) for fields in open_second_looks(session).values())
        ids = list(session.scalars(select(Image.id).order_by(Image.id)))
        likeness = read_likeness(session, inputs.store, ids, features=BUILTIN)
    queue = make_queue(
        inputs.catalog, schema, inputs.policy,
        audit_share=inputs.audit_share, gold_share=0.0, likeness=likeness,
    )  # fmt: skip
    return LabelQuality(
        agreement=tuple(rows),
        annotators=tuple(people),
        suspects=len(suspects),
        suspects_shown=_suspects(inputs, suspects[:SUSPECTS]),
        second_looks=looks,
        queue=len(queue),
        queue_shown=_seen(
            inputs,
            [(one.image_id, f"{len(one.ask)} fields", tuple(reasons(one))) for one in queue[:NEXT]],
        ),
    )


def _suspects(inputs: Inputs, suspects: list[Suspect]) -> tuple[Seen, ...]:
    return _seen(
        inputs,
        [
            (
                one.image_id,
                f"{inputs.schema.field(one.field).title}: {told(one.value)}",
                one.reasons,
            )
            for one in suspects
        ],
    )


def _seen(inputs: Inputs, rows: list[tuple[str, str, tuple[str, ...]]]) -> tuple[Seen, ...]:
    shown = show(inputs, [image_id for image_id, _, _ in rows], longest_px=PICTURE_PX)
    return tuple(
        Seen(shown[image_id].picture, shown[image_id].title, headline, why)
        for image_id, headline, why in rows
        if image_id in shown
    )
