"""What a picture shows, learned as a class from the captions so far, where its source says nothing.

A brand team draws the same things again and again. The name of a brand in a subject is a slot: who
has seen "The Norvik logo" drafts "The Tindra logo" where that brand is read or matched.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from lowdiff.labels.accept.calibrate import fit
from lowdiff.labels.drafts.caption import NO_SUBJECT, short_form
from lowdiff.labels.learn.examples import Table, read_labels
from lowdiff.labels.learn.forest import HELD_OUT_TREES, grow
from lowdiff.labels.learn.heads import FOLDS, Floats, folds_of
from lowdiff.labels.learn.statements import Statement, Statements, statements_of

BY = "caption-trees/1"
SLOT = "{brand}"
LONGEST = 8
"""Words; a longer subject will hardly come again."""
LEAST_OF_A_SUBJECT, LEAST_SUBJECTS, LEAST_LABELS = 3, 3, 60
OTHER = ""
"""The class of all subjects with fewer labels: nothing is drafted."""


def subjects_say(
    session: Session, table: Table, said: Statements, *, audit_share: float
) -> Statements:
    """Captions for the images whose source tells no subject; audited labels are not used.

    The confidence is how often such guesses were right on families that the trees had not seen.

    Args:
        said: what learned drafters say; brands are taken from it.
    """
    captions = read_labels(session, "caption", table.ids, audit_share=audit_share)
    brands = read_labels(session, "brand", table.ids, audit_share=audit_share)
    rows = [at for at, one in enumerate(table.ids) if _subject(captions.get(one))]
    slotted = [
        with_slot(_subject(captions[table.ids[at]]), brands.get(table.ids[at])) for at in rows
    ]
    names = subject_classes(slotted)
    if len(rows) < LEAST_LABELS or len(names) < LEAST_SUBJECTS:
        return {}
    classes = (OTHER, *names)
    known = {name.casefold(): at for at, name in enumerate(classes)}
    target = np.array([known.get(one.casefold(), 0) for one in slotted])
    x, groups = table.x[rows], [table.families[at] for at in rows]
    held = _held_out(x, target, groups, len(classes))
    best = held[:, 1:].argmax(axis=1) + 1
    sure = held[np.arange(len(rows)), best]
    calibrator = fit(sure.tolist(), (best == target).tolist())
    bare = _without_subject(table)
    bare = {at: one for at, one in bare.items() if table.ids[at] not in captions}
    if not bare or calibrator is None:
        return {}
    order = sorted(bare)
    shares = grow(x, target, len(classes), seed=0).probabilities(table.x[order])
    found: Statements = {}
    for at, row in zip(order, shares, strict=True):
        image_id = table.ids[at]
        place = int(row[1:].argmax()) + 1
        subject = _filled(classes[place], said.get(image_id, {}).get("brand", ()))
        if subject is not None:
            caption = subject + bare[at].removeprefix(NO_SUBJECT)
            one = Statement(caption, round(calibrator(float(row[place])), 4), BY)
            found[image_id] = {"caption": [one]}
    return found


def subject_classes(subjects: Sequence[str]) -> tuple[str, ...]:
    """The subjects that come often enough, as they were written first."""
    counts = Counter(one.casefold() for one in subjects)
    written: dict[str, str] = {}
    for one in subjects:
        written.setdefault(one.casefold(), one)
    return tuple(
        written[key] for key, number in sorted(counts.items()) if number >= LEAST_OF_A_SUBJECT
    )


def with_slot(subject: str, brand: object) -> str:
    """The subject with the brand's name left open."""
    name = str(brand or "")
    return subject.replace(name, SLOT) if name and name in subject else subject


def _filled(subject: str, brands: Sequence[Statement]) -> str | None:
    """With the surest brand in the slot; None where none is known."""
    if SLOT not in subject:
        return subject
    named = [one for one in brands if one.value]
    if not named:
        return None
    return subject.replace(SLOT, str(max(named, key=lambda one: one.confidence).value))


def _held_out(x: Floats, target: NDArray[np.int64], groups: Sequence[str], classes: int) -> Floats:
    fold = folds_of(groups, [str(one) for one in target], 0)
    held = np.zeros((len(x), classes), dtype=np.float32)
    for number in range(FOLDS):
        out = fold == number
        if out.any() and not out.all():
            held[out] = grow(
                x[~out], target[~out], classes, seed=0, trees=HELD_OUT_TREES
            ).probabilities(x[out])
    return held


def _without_subject(table: Table) -> Mapping[int, str]:
    """Row → the template's caption, where nothing tells what the picture shows."""
    found = {}
    for at, draft in enumerate(table.drafts):
        for one in statements_of(draft).get("caption", ()):
            if short_form(str(one.value)) == NO_SUBJECT:
                found[at] = str(one.value)
                break
    return found


def _subject(caption: object) -> str:
    short = short_form(str(caption or ""))
    return "" if short == NO_SUBJECT or len(short.split()) > LONGEST else short
