"""How far annotators agree, field by field, where several have judged one image.

Choices: Krippendorff's alpha, any other value being equally wrong. Flags: alpha with MASI, so that
two of three common colours are a smaller difference than none. Texts: one minus the normalised
edit distance. Boxes: mean IoU of the boxes matched to each other, one without a partner counting 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from lowdiff.labels.quality.alpha import (
    Interval,
    krippendorff,
    masi,
    mean_with_interval,
    nominal,
)
from lowdiff.labels.quality.ratings import Rating, by_image
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import FORM, SCREENS, boxes_field

ALPHA, SAME_TEXT, IOU = "alpha", "text likeness", "box IoU"


@dataclass(frozen=True)
class Agreement:
    """What annotators of one field have in common."""

    field: str
    measure: str
    """`alpha`, `text likeness` or `box IoU`; the last two are in [0, 1]."""
    interval: Interval | None
    """None where it is not defined; `why` says why."""
    same: float | None
    """Of pairs of judgements of one image, the share that say exactly the same."""
    why: str = ""


def measure_agreement(ratings: Sequence[Rating], schema: Schema) -> list[Agreement]:
    """One row for each field of the schema and for the boxes, in the order of the screen."""
    said = by_image(ratings)
    rows = []
    for field in schema.fields:
        units = _units(said.get(field.name, {}))
        if field.kind == "text":
            rows.append(_texts(field.name, units))
        else:
            rows.append(_values(field.name, units, field.kind == "flags"))
    for screen in SCREENS:
        name = boxes_field(schema, screen)
        if screen == FORM or name in said:
            rows.append(_boxes(name, _units(said.get(name, {}))))
    return rows


def text_likeness(one: str, other: str) -> float:
    """1 − Levenshtein distance / length of the longer text; white space counts once."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_similarity(" ".join(one.split()), " ".join(other.split())))


def box_likeness(
    one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]
) -> float | None:
    """Mean IoU over boxes in the best matching (Kuhn 1955) of boxes of one label.

    Args:
        one, other: boxes as `lowdiff.labels.desk.tasks.boxes_value` writes them.

    Returns:
        In [0, 1]; None where neither has a box.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    larger = max(len(one), len(other))
    if larger == 0:
        return None
    table = np.array([[_iou(a, b) for b in other] for a in one]).reshape(len(one), len(other))
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum()) / larger


def _iou(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    if a["label"] != b["label"]:
        return 0.0
    width = min(a["x_pct"] + a["w_pct"], b["x_pct"] + b["w_pct"]) - max(a["x_pct"], b["x_pct"])
    height = min(a["y_pct"] + a["h_pct"], b["y_pct"] + b["h_pct"]) - max(a["y_pct"], b["y_pct"])
    common = max(0.0, width) * max(0.0, height)
    return float(common / (a["w_pct"] * a["h_pct"] + b["w_pct"] * b["h_pct"] - common))


def _units(said: Mapping[str, Mapping[str, Any]]) -> list[list[Any]]:
    """The judgements of every image that several people have judged."""
    return [list(found.values()) for _, found in sorted(said.items()) if len(found) > 1]


def _values(name: str, units: list[list[Any]], are_sets: bool) -> Agreement:
    units = [[frozenset(value) if are_sets else value for value in unit] for unit in units]
    found = krippendorff(units, masi if are_sets else nominal)
    why = "" if found else _why(units) or "all said the same value: alpha is not defined"
    return Agreement(name, ALPHA, found, _same(units), why)


def _texts(name: str, units: list[list[Any]]) -> Agreement:
    means = [fmean(text_likeness(a or "", b or "") for a, b in combinations(u, 2)) for u in units]
    plain = [[" ".join((text or "").split()) for text in unit] for unit in units]
    found = mean_with_interval(means, values=sum(map(len, units)))
    return Agreement(name, SAME_TEXT, found, _same(plain), _why(units))


def _boxes(name: str, units: list[list[Any]]) -> Agreement:
    pairs = [[box_likeness(a or (), b or ()) for a, b in combinations(unit, 2)] for unit in units]
    told = [[found for found in some if found is not None] for some in pairs]
    means = [fmean(some) for some in told if some]
    found = mean_with_interval(means, values=sum(len(unit) for unit in units))
    why = _why(units) or ("" if means else "nobody drew a box")
    return Agreement(name, IOU, found, None, why)


def _same(units: Sequence[Sequence[Any]]) -> float | None:
    pairs = [float(a == b) for unit in units for a, b in combinations(unit, 2)]
    return fmean(pairs) if pairs else None


def _why(units: Sequence[Sequence[Any]]) -> str:
    return "" if units else "no image was judged by two people"
