"""Fit what measured drafts rest on: the kind of background, and how sure each measurement is.

    python -m benchmarks.fit_measures FOLDER ...

FOLDERs hold brand sets of tuning seeds. Kinds that are held out, and unusable pictures, are left
out. Writes lowdiff/labels/measure/trust.json.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from benchmarks.brand_set import Truth, read_truth
from benchmarks.drafts import SEEDS_FOR_REPORTS, is_right, open_picture, word_boxes
from lowdiff.labels.measure import trust
from lowdiff.labels.measure.background import measure_background
from lowdiff.labels.measure.picture import MEASURED, Measures, measure_picture, words_mask

Floats = NDArray[np.float64]
KINDS_OF_GROUND = ("plain", "gradient", "pattern", "photo")
STRENGTH = 3.0
"""Inverse of the penalty on weights."""
FOLDS = 8


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    pairs = [(folder, row) for folder in parser.parse_args().folders for row in _rows(folder)]
    path = Path(trust.__file__).with_name(trust.TRUST_FILE)
    kept: dict[str, Any] = {"choices": {"background": _fit_ground(pairs)}, "fields": {}}
    _write(path, kept)
    measured = [measure_picture(open_picture(f, row), word_boxes(row)) for f, row in pairs]
    for name in MEASURED:
        kept["fields"][name] = _fit_trust(name, pairs, measured)
    _write(path, kept)


def _rows(folder: Path) -> list[Truth]:
    rows = read_truth(folder)
    if any(row.seed in SEEDS_FOR_REPORTS for row in rows):
        raise SystemExit(f"{folder}: these seeds are for reports; fit on others")
    return [row for row in rows if not row.held_out and "unusable" not in row.fields["flags"]]


def _write(path: Path, kept: dict[str, Any]) -> None:
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    trust.read_weights.cache_clear()


def _fit_ground(pairs: list[tuple[Path, Truth]]) -> dict[str, Any]:
    found, kinds, families = [], [], []
    for folder, row in pairs:
        rgba = open_picture(folder, row)
        if row.fields["background"] in KINDS_OF_GROUND:
            ground = measure_background(rgba, words_mask(rgba.shape, word_boxes(row)))
            found.append(ground.evidence)
            kinds.append(row.fields["background"])
            families.append(row.family)
    names, table = _table(found)
    model = LogisticRegression(C=STRENGTH, max_iter=4000)
    guessed = cross_val_predict(model, table, kinds, groups=families, cv=GroupKFold(FOLDS))
    print(f"background: {np.mean(guessed == np.array(kinds)):.3f} of {len(kinds)}, cross-validated")
    model.fit(table, kinds)
    return {
        str(kind): _weights(names, model.coef_[at], float(model.intercept_[at]))
        for at, kind in enumerate(model.classes_)
    }


def _fit_trust(
    name: str, pairs: list[tuple[Path, Truth]], measured: list[Measures]
) -> dict[str, Any]:
    right = np.array(
        [is_right(name, m.values[name], row.fields[name])
         for (_, row), m in zip(pairs, measured, strict=True)]
    )  # fmt: skip
    names, table = _table([dict(m.evidence[name]) for m in measured])
    said = [str(m.values[name]) for m in measured]
    values = sorted(set(said)) if name != "palette" else []
    shown = np.array([[float(one == value) for value in values] for one in said])
    table = np.hstack([table, shown.reshape(len(said), -1)])
    families = [row.family for _, row in pairs]
    model = LogisticRegression(C=STRENGTH, max_iter=4000)
    sure = cross_val_predict(
        model, table, right, groups=families, cv=GroupKFold(FOLDS), method="predict_proba"
    )[:, 1]
    order = right[np.argsort(-sure)]
    print(f"{name}: {right.mean():.3f} right, the surer half {order[: len(order) // 2].mean():.3f}")
    model.fit(table, right)
    weights = model.coef_[0]
    fitted = _weights(names, weights[: len(names)], float(model.intercept_[0]))
    extra = dict(zip(values, weights[len(names) :].round(4).tolist(), strict=True))
    return {**fitted, "values": extra}


def _table(found: list[dict[str, float]]) -> tuple[list[str], Floats]:
    names = sorted({name for one in found for name in one} - {"likely_kind"})
    return names, np.array([[one.get(name, 0.0) for name in names] for one in found])


def _weights(names: list[str], weights: Floats, bias: float) -> dict[str, Any]:
    rounded = dict(zip(names, weights.round(4).tolist(), strict=True))
    return {"bias": round(bias, 4), "weights": rounded}


if __name__ == "__main__":
    main()
