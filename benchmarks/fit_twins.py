"""Fit the verdict's forests: even seeds of the generator, half of OpenMoji, half of real groups.

    python -m benchmarks.fit_twins --real DATA/near_dup/pairs.csv --openmoji FOLDER_OF_SVGS \\
        --out lowdiff/dedupe/verdict.json

Takes about twenty minutes on 2 quiet cores. Cuts are chosen on answers of forests that did not
learn from the pair's family (five folds).
"""

import argparse
import json
import pickle
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

from benchmarks.known_pairs import (
    Labelled,
    chosen_drawings,
    drawn,
    found_pairs,
    generated,
    known_pairs,
    plain,
    real_half,
)
from lowdiff.dedupe.compare import Pair, glance_at
from lowdiff.dedupe.evidence import Evidence
from lowdiff.dedupe.fine import FineEvidence
from lowdiff.dedupe.first import FirstLook
from lowdiff.dedupe.glance import NUMBERS
from lowdiff.dedupe.verdict import Question
from lowdiff.dedupe.workers import alone

FALLS = (
    "tile_peak",
    "fine_unexplained",
    "conflict",
    "largest_conflict",
    "peak",
    "peak_over_rest",
    "alone_least",
    "largest_alone",
    "colour_apart",
    "colour_peak",
    "colour_peak_over_rest",
    "lightness_peak_over_rest",
    "lightness_apart",
    "outside_least",
    "tile_apart",
    "aspect",
    "turned",
)
RISES = (
    "mean_similarity",
    "low_similarity",
    "inliers",
    "likeness",
    "box_fit",
    "corner_fit",
    "tile",
)
Vector = NDArray[np.float64]
FIELDS: dict[Question, tuple[str, ...]] = {
    "glance": NUMBERS,
    "related": tuple(FirstLook.__dataclass_fields__),
    "near": tuple(Evidence.__dataclass_fields__),
    "copy": (
        *Evidence.__dataclass_fields__,
        *(f"fine_{name}" for name in FineEvidence.__dataclass_fields__),
    ),
    "variant": tuple(Evidence.__dataclass_fields__),
}
LOST_AT_A_GLANCE = 0.002
"""Share of the copies and variants that are found in the end which the glance may give up."""
LOST_BEFORE_THE_FINEST = 0.002
"""Share of the copies that are found in the end which the look before the finest may give up."""
RELATED_FROM = 0.15
"""Probability from which a pair gets a closer look. Copies alone would allow 0.4, but a third of
the variants among drawings of one series would be lost."""
FOLDS = 5
VARIANT_FROM = 0.85
"""Probability of variant, given that the pair is not near, from which it is one."""
OF_ONE_SERIES = 0.35
"""Weight of two drawings of OpenMoji as a pair that is no variant: of flags, or of people at work,
many would call them variants."""
SMALL, LARGE = (120, 8), (200, 12)
"""Trees and leaves; what is asked of every pair has the smaller forest."""
SIZES = {"near": LARGE, "copy": LARGE, "variant": LARGE}
MORE_FROM = 302
"""First seed of the templates whose pairs are learned from as a search meets them."""
LEAST_FIT = 0.3
"""Fit of the sketches below which a pair never gets a closer look."""
LEAST_SIMILARITY = 0.6
"""Similarity of structure below which a pair never gets the finest look."""


class Row(NamedTuple):
    """What the looks at one pair said."""

    family: str
    """Pairs of one family are learned from together or not at all."""
    label: str
    weight: float
    about: tuple[Any, ...]
    glance: Vector
    first: Vector | None
    evidence: Vector | None
    fine: Vector | None


def _slope_of(name: str, question: Question) -> int:
    """+1 where more of it must not lower the probability, -1 where it must not raise it."""
    if question == "variant":
        return int(name in ("mean_similarity", "inliers"))
    return int(name in RISES) - int(name in FALLS)


def judge(pair: Labelled) -> Row:
    """All looks at one pair, the closer ones where they could ever be taken."""
    look = Pair(pair.a, pair.b)
    at_a_glance = glance_at([(pair.a, pair.b)])[0]
    known = (pair.family, pair.label, pair.weight, pair.about, at_a_glance)
    if not look.can_be_laid_on_each_other:
        return Row(*known, None, None, None)
    first = look.first.vector()
    fit = max(look.first.box_fit, look.first.corner_fit)
    evidence = look.evidence if fit > LEAST_FIT or pair.label == "near" else None
    if evidence is None:
        return Row(*known, first, None, None)
    alike = evidence.mean_similarity > LEAST_SIMILARITY
    fine = look.fine.vector() if alike else None
    return Row(*known, first, evidence.vector(), fine)


class Forest:
    """One question, the rows that can teach it, and what it says of rows it did not see."""

    def __init__(self, question: Question, rows: Sequence[Row], yes: Sequence[str]) -> None:
        self.rows = rows
        self._trees, self._leaves = SIZES.get(question, SMALL)
        self._monotone = [_slope_of(name, question) for name in FIELDS[question]]
        self._x = np.array([_vector(row, question) for row in rows])
        self._y = np.array([row.label in yes for row in rows])
        self._weights = np.array([row.weight for row in rows])

    def unseen(self) -> Vector:
        """Probabilities, each by a forest that did not learn from the row's family."""
        answers = np.zeros(len(self.rows))
        groups = [row.family for row in self.rows]
        for taught, asked in GroupKFold(FOLDS).split(self._x, self._y, groups):
            answers[asked] = self._fit(taught).predict_proba(self._x[asked])[:, 1]
        return answers

    def as_json(self, yes_from: float) -> dict[str, object]:
        """The forest that learned from all rows."""
        model = self._fit(np.arange(len(self.rows)))
        return {
            "yes_from": round(float(yes_from), 4),
            "base": float(np.ravel(model._baseline_prediction)[0]),
            "trees": [_tree(stage[0].nodes) for stage in model._predictors],
        }

    def _fit(self, taught: NDArray[np.intp]) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_iter=self._trees,
            learning_rate=0.08,
            max_leaf_nodes=self._leaves,
            min_samples_leaf=25,
            l2_regularization=5.0,
            monotonic_cst=self._monotone,
            early_stopping=False,
            random_state=0,
        ).fit(self._x[taught], self._y[taught], sample_weight=self._weights[taught])


def _vector(row: Row, question: Question) -> Vector:
    if question == "glance":
        return row.glance
    if question == "related":
        assert row.first is not None
        return row.first
    assert row.evidence is not None
    if question != "copy":
        return row.evidence
    assert row.fine is not None
    return np.concatenate([row.evidence, row.fine])


def fit(rows: Sequence[Row]) -> dict[str, object]:
    """All forests, with the probabilities from which they say yes."""
    looked = [row for row in rows if row.evidence is not None]
    finely = [row for row in looked if row.fine is not None]
    copy = Forest("copy", finely, ("near",))
    sure = copy.unseen()
    yes = _best_cut(finely, sure)
    near = Forest("near", looked, ("near",))
    maybe = near.unseen()
    says = {id(row): answer for row, answer in zip(finely, sure, strict=True)}
    found = np.array([says.get(id(row), 0) >= yes and row.label == "near" for row in looked])
    others = [_of_one_series(row) for row in looked if row.label != "near"]
    variant = Forest("variant", others, ("variant",))
    apart = [id(row) for row in looked if row.label != "near"]
    cousins = dict(zip(apart, variant.unseen(), strict=True))
    related = Forest("related", [r for r in rows if r.first is not None], ("near", "variant"))
    copies = {id(row) for row, good in zip(looked, found, strict=True) if good}
    glance = Forest("glance", rows, ("near", "variant"))
    seen = glance.unseen()
    kept = np.array(
        [
            id(row) in copies
            or (row.label == "variant" and cousins.get(id(row), 0) >= VARIANT_FROM)
            for row in rows
        ]
    )
    return {
        "fields": FIELDS,
        "glance": glance.as_json(np.quantile(seen[kept], LOST_AT_A_GLANCE)),
        "related": related.as_json(RELATED_FROM),
        "near": near.as_json(np.quantile(maybe[found], LOST_BEFORE_THE_FINEST)),
        "copy": copy.as_json(yes),
        "variant": variant.as_json(VARIANT_FROM),
    }


def _of_one_series(row: Row) -> Row:
    return row._replace(weight=row.weight * OF_ONE_SERIES) if row.label == "drawing" else row


def _best_cut(rows: Sequence[Row], answers: Vector) -> float:
    """The cut at which most copies are found with the fewest mistakes (the largest F1)."""
    near = np.array([row.label == "near" for row in rows])
    cuts = np.arange(0.2, 0.8, 0.05)
    scores = [
        2 * (near & (answers >= cut)).sum() / (near.sum() + (answers >= cut).sum()) for cut in cuts
    ]
    return float(cuts[int(np.argmax(scores))])


def _tree(nodes: np.ndarray) -> list[list[float]]:  # type: ignore[type-arg]
    return [
        [round(float(node["value"]), 5)]
        if node["is_leaf"]
        else [
            int(node["feature_idx"]),
            float(f"{node['num_threshold']:.6g}"),
            int(node["left"]),
            int(node["right"]),
        ]
        for node in nodes
    ]


def main() -> None:
    """Generate, compare, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, help="pairs.csv of real pairs")
    parser.add_argument("--openmoji", type=Path, help="a folder of OpenMoji's colour SVGs")
    parser.add_argument("--templates", type=int, default=64)
    parser.add_argument("--more", type=int, default=96, help="templates, all of whose pairs count")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=Path, help="keep what the looks said, to fit it again")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.workers, initializer=alone) as pool:
        seeds = range(0, 2 * options.templates, 2)
        graphics = [graphic for some in pool.map(generated, seeds) for graphic in some]
        if options.openmoji:
            files = chosen_drawings(options.openmoji)
            graphics += [one for some in pool.map(drawn, files, chunksize=8) for one in some]
        pairs = list(known_pairs(graphics))
        more = range(MORE_FROM, MORE_FROM + 2 * options.more, 2)
        pairs += list(found_pairs([one for some in pool.map(plain, more) for one in some]))
        if options.real:
            pairs += list(real_half(options.real))
        rows = list(pool.map(judge, pairs, chunksize=64))
    if options.rows:
        options.rows.write_bytes(pickle.dumps([tuple(row) for row in rows]))
    forests = fit(rows)
    options.out.write_text(json.dumps(forests, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(rows)} pairs: {dict(Counter(row.label for row in rows))}; wrote {options.out}")


if __name__ == "__main__":
    main()
