"""Does a drawing have the labels that its prompt's image has? Colour, layout, style … by field.

Three kinds of readers, each checked on the real images of the same prompts at the same size, whose
score is the ceiling: `measured` (the rules that draft the field), `head` (a logistic regression on
features of labelled training images, for fields that nobody measures) and `zero_shot` (the judge of
image and caption, asked which sentence fits). The floor is the most frequent label.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from lowdiff.evaluation.pixels import Pixels
from lowdiff.labels.drafts.caption import NO_SUBJECT, compose_caption, parts_of
from lowdiff.labels.measure.picture import MEASURED, measure_picture

SCORED = (*MEASURED, "style", "logo")
"""Fields that say how a picture looks; others are of its file, or texts."""
Label = str | tuple[str, ...]
"""A value of a field; several values in order."""
FEWEST_LABELS, FEWEST_OF_A_CLASS = 30, 5
MOST_EXAMPLES = 2_000
FEWEST_PROMPTS = 8
"""A field that fewer of the prompts' images have is not scored."""


def measured_labels(pixels: Pixels) -> list[dict[str, Label]]:
    """What the drafting rules say of each picture."""
    opaque = np.full((*pixels.shape[:3], 1), 255, dtype=np.uint8)
    found = []
    for rgba in np.concatenate([pixels, opaque], axis=3):
        values = measure_picture(rgba).values
        found.append({name: as_label(values[name]) for name in MEASURED})
    return found


def as_label(value: Any) -> Label:
    """One form for a value of the dataset and of a reader."""
    if isinstance(value, str):
        return value
    return tuple(sorted(str(one) for one in value))


def label_on_white(field: str, value: Any) -> Label:
    """The label that an image has once it lies on white, as models see it."""
    if field == "background" and value == "transparent":
        return "plain"
    if field == "background_colour" and value == "none":
        return "white"
    return as_label(value)


def measured_scores(
    wanted: Sequence[Mapping[str, Label]], drawn: Pixels, real: Pixels
) -> dict[str, dict[str, Any]]:
    """By field that is measured: the share of pictures that have the wanted label."""
    of_drawn, of_real = measured_labels(drawn), measured_labels(real)
    return _scores(
        wanted,
        MEASURED,
        "measured",
        lambda field, rows: [of_drawn[row][field] for row in rows],
        lambda field, rows: [of_real[row][field] for row in rows],
    )


def head_scores(
    wanted: Sequence[Mapping[str, Label]],
    drawn: Float[Tensor, "n d"],
    real: Float[Tensor, "n d"],
    *,
    examples: Float[Tensor, "m d"],
    labels: Sequence[Mapping[str, Label]],
) -> dict[str, dict[str, Any]]:
    """By field that has labels enough and is not measured.

    Args:
        examples: features of training images.
        labels: theirs.
    """
    heads = {}
    for field in sorted({name for row in labels for name in row} - set(MEASURED)):
        head = _fit_head(field, examples, labels)
        if head is not None:
            heads[field] = head
    return _scores(
        wanted,
        tuple(heads),
        "head",
        lambda field, rows: [str(one) for one in heads[field](drawn[rows])],
        lambda field, rows: [str(one) for one in heads[field](real[rows])],
    )


def zero_shot_scores(
    wanted: Sequence[Mapping[str, Label]],
    drawn: Float[Tensor, "n e"],
    real: Float[Tensor, "n e"],
    embed_sentences: Callable[[list[str]], Float[Tensor, "k e"]],
) -> dict[str, dict[str, Any]]:
    """By field whose values captions tell: the judge chooses the sentence that fits best.

    Args:
        drawn: the judge's unit vectors of pictures.
        embed_sentences: its unit vectors of captions.
    """
    classes: dict[str, list[str]] = {}
    vectors: dict[str, Tensor] = {}
    for field in ("background", "layout", "saturation", "figure_count", "figure_size"):
        values = sorted({str(row[field]) for row in wanted if field in row})
        told = {value: sentence_of(field, value) for value in values}
        # values that captions do not tell apart cannot be chosen between
        if len(values) > 1 and len(set(told.values())) == len(values):
            classes[field] = values
            vectors[field] = embed_sentences([told[value] for value in values])

    def choose(field: str, pictures: Tensor) -> list[Label]:
        best = (pictures @ vectors[field].T).argmax(1)
        return [classes[field][at] for at in best.tolist()]

    return _scores(
        wanted,
        tuple(classes),
        "zero_shot",
        lambda field, rows: choose(field, drawn[rows]),
        lambda field, rows: choose(field, real[rows]),
    )


def sentence_of(field: str, value: str) -> str:
    """What the template of captions says of one value, and nothing else."""
    values: dict[str, Any] = {field: value}
    if field == "figure_size":
        values["figure_count"] = "one"  # a size is told of figures only
    return compose_caption(parts_of(NO_SUBJECT, values))


def summary(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over fields, with its ends; `skipped` where there is no field to score."""
    if not fields:
        return {"skipped": "no field has labels enough", "fields": {}}

    def mean(values: list[float]) -> float:
        return round(sum(values) / len(values), 4)

    ones = list(fields.values())
    return {
        "accuracy": mean([one["accuracy"] for one in ones]),
        "n": max(one["n"] for one in ones),
        "floor": {
            "accuracy": mean([one["floor"]["accuracy"] for one in ones]),
            "what": "the most frequent label, always",
        },
        "ceiling": {
            "accuracy": mean([one["ceiling"]["accuracy"] for one in ones]),
            "what": "the real images of the same prompts",
        },
        "fields": dict(fields),
    }


Reader = Callable[[str, list[int]], Sequence[Label]]


def _scores(
    wanted: Sequence[Mapping[str, Label]],
    fields: Sequence[str],
    reader: str,
    of_drawn: Reader,
    of_real: Reader,
) -> dict[str, dict[str, Any]]:
    scores = {}
    for field in fields:
        rows = [row for row, values in enumerate(wanted) if field in values]
        if len(rows) < FEWEST_PROMPTS:
            continue
        right = [wanted[row][field] for row in rows]
        most = Counter(right).most_common(1)[0][1]
        scores[field] = {
            "accuracy": _share(of_drawn(field, rows), right),
            "n": len(rows),
            "reader": reader,
            "floor": {"accuracy": round(most / len(rows), 4)},
            "ceiling": {"accuracy": _share(of_real(field, rows), right)},
        }
    return scores


def _share(found: Sequence[Label], right: Sequence[Label]) -> float:
    return round(sum(a == b for a, b in zip(found, right, strict=True)) / len(right), 4)


def _fit_head(
    field: str, examples: Float[Tensor, "m d"], labels: Sequence[Mapping[str, Label]]
) -> Callable[[Tensor], Sequence[str]] | None:
    """A classifier for one field; None where labels are too few or all alike."""
    from sklearn.linear_model import LogisticRegression

    told = [(row, one[field]) for row, one in enumerate(labels) if field in one][:MOST_EXAMPLES]
    counts = Counter(label for _, label in told)
    rows = [
        (row, label)
        for row, label in told
        if isinstance(label, str) and counts[label] >= FEWEST_OF_A_CLASS
    ]
    if len(rows) < FEWEST_LABELS or len({label for _, label in rows}) < 2:
        return None
    x = examples[[row for row, _ in rows]].numpy()
    model = LogisticRegression(C=0.05, max_iter=200).fit(x, [label for _, label in rows])

    def predict(features: Tensor) -> Sequence[str]:
        found: Sequence[str] = model.predict(features.numpy()).tolist()
        return found

    return predict
