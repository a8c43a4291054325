"""Whom of a field's drafters to believe, and how surely, learned from labels.

`together` weighs drafters as if all were honest about themselves and knew nothing of each other.
Here people's labels tell: where these drafters said this, with these confidences, of pictures that
measure like that, how often was it right? Every value that is named is judged by itself, by trees
and by a logistic regression. What a head says of an image that it has learned from comes from
models that did not see it, so its label can teach once more. Audited labels are never used.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from lowdiff.labels.accept.evidence import family_of, is_same
from lowdiff.labels.learn.examples import Table, measured_numbers, read_labels
from lowdiff.labels.learn.forest import grow
from lowdiff.labels.learn.statements import Statement, Statements, statements_of
from lowdiff.labels.learn.together import BY, GUESSES, key_of
from lowdiff.labels.schema import Field, Schema

Floats = NDArray[np.float32]
LEAST_LABELS, LEAST_ERRORS = 100, 8
"""With fewer there is nothing to learn from."""
STRENGTH = 0.3
"""Inverse of the penalty on the weights of the logistic regression."""
LEAST, MOST = 0.002, 0.998


def referee_says(
    session: Session, schema: Schema, table: Table, said: Statements, *, audit_share: float
) -> Statements:
    """What the drafters of each choice come to, with a confidence that labels have taught.

    Fields with too few labels, or hardly an error among them, are left out.

    Args:
        said: what learned drafters say.
    """
    found: Statements = {}
    numbers = np.array([measured_numbers(draft) for draft in table.drafts], dtype=np.float32)
    others = [statements_of(draft) for draft in table.drafts]
    for field in schema.fields:
        if field.kind == "text":
            continue
        heard = [
            _heard(others[at].get(field.name, ()), said.get(one, {}).get(field.name, ()))
            for at, one in enumerate(table.ids)
        ]
        labels = read_labels(session, field.name, table.ids, audit_share=audit_share)
        right = [labels.get(one) for one in table.ids]
        for at, one in judge_all(field, heard, right, numbers).items():
            found.setdefault(table.ids[at], {})[field.name] = [one]
    return found


def judge_all(
    field: Field,
    heard: Sequence[Sequence[Statement]],
    right: Sequence[Any],
    numbers: Floats,
) -> dict[int, Statement]:
    """Image → the value to believe; empty where there is too little to learn from.

    Args:
        heard: for each image what drafters say of the field.
        right: for each image what a person says, None where nobody does.
        numbers: (n, m), measured on each image.
    """
    asked = [(at, one) for at, ones in enumerate(heard) for one in _values(ones)]
    place = np.array([at for at, _ in asked], dtype=np.int64)
    known = np.array([right[at] is not None for at, _ in asked], dtype=bool)
    truth = np.array(
        [right[at] is not None and is_same(field, one.value, right[at]) for at, one in asked],
        dtype=bool,
    )
    wrong = int((known & ~truth).sum())
    if len(set(place[known].tolist())) < LEAST_LABELS or wrong < LEAST_ERRORS:
        return {}
    names = sorted({family_of(one.by) for ones in heard for one in ones})
    x = np.array([_evidence(field, one, heard[at], names) for at, one in asked], dtype=np.float32)
    x = np.hstack([x, numbers[place]])
    sure = _learned(x, truth, known)
    found: dict[int, Statement] = {}
    for (at, one), share in zip(asked, sure.tolist(), strict=True):
        if at not in found or share > found[at].confidence:
            found[at] = Statement(one.value, round(share, 5), BY)
    return found


def _learned(x: Floats, truth: NDArray[np.bool_], known: NDArray[np.bool_]) -> Floats:
    from sklearn.linear_model import LogisticRegression

    forest = grow(x[known], truth[known].astype(np.int64), 2, seed=0)
    trees = np.clip(forest.probabilities(x)[:, 1], LEAST, MOST)
    mean, spread = x[known].mean(axis=0), x[known].std(axis=0) + 1e-3
    flat = np.clip((x - mean) / spread, -4, 4)
    line = LogisticRegression(C=STRENGTH, max_iter=500).fit(flat[known], truth[known])
    odds = np.log(trees / (1 - trees)) + np.clip(line.decision_function(flat), -6.2, 6.2)
    return np.asarray(1 / (1 + np.exp(-odds / 2)), dtype=np.float32)


def _heard(*said: Sequence[Statement]) -> list[Statement]:
    ones = [one for some in said for one in some if not one.by.startswith((*GUESSES, BY))]
    return list({family_of(one.by): one for one in ones}.values())


def _values(ones: Sequence[Statement]) -> list[Statement]:
    """The first statement of each value."""
    return list({key_of(one): one for one in reversed(ones)}.values())[::-1]


def _evidence(
    field: Field, of: Statement, ones: Sequence[Statement], names: Sequence[str]
) -> list[float]:
    """Who says this value and who another one, how surely, and which value it is."""
    by = {family_of(one.by): one for one in ones}
    signed = []
    for name in names:
        one = by.get(name)
        sure = 0.0 if one is None else min(0.998, max(0.05, one.confidence))
        odds = 0.0 if one is None else float(np.log(sure / (1 - sure))) + 3.0
        signed.append(odds if one is not None and key_of(one) == key_of(of) else -odds)
    values = of.value if isinstance(of.value, list) else [of.value]
    return [
        sum(signed), float(sum(one > 0 for one in signed)), float(sum(one < 0 for one in signed)),
        max(signed), min(signed), float(len(values)), *signed,
        *(float(one in values) for one in field.values),
    ]  # fmt: skip
