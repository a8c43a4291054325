"""Fit the verdict's forests: even seeds of the generator, half of OpenMoji, half of real groups.

    python -m benchmarks.fit_twins --real DATA/near_dup/pairs.csv --openmoji FOLDER_OF_SVGS \\
        --out lowdiff/dedupe/verdict.json

OpenMoji's drawings are edited like the templates; a drawing in another skin tone is a variant.
Takes about ten minutes on 2 cores.
"""

import argparse
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.brand_templates import EDITS, family
from benchmarks.real_pairs import NEAR, RealPair, read_image, real_pairs
from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.compare import evidence_of
from lowdiff.dedupe.evidence import Evidence
from lowdiff.dedupe.fingerprint import Fingerprint, fingerprint

KEEP = {"near": 0.8, "variant": 0.3, "lookalike": 0.35, "distinct": 0.3}
"""Share of the pairs of each kind that are compared: there are many more of the latter."""
WEIGHTS = {"near": 1.0, "variant": 1.5, "lookalike": 2.0, "distinct": 2.5, "hard_negative": 3.0}
"""To lose a picture costs more than to keep it twice."""
REAL_WEIGHT = 2.0
DRAWINGS = 420
"""OpenMoji drawings that are taken, before they are halved."""
SKIN_TONE = re.compile("1F3F[B-F]")
FALLS = (
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
)
RISES = ("mean_similarity", "low_similarity", "inliers")
FIELDS = tuple(Evidence.__dataclass_fields__)
Row = tuple[list[float], str, float]


def monotone(forest: str) -> list[int]:
    """+1 where more of a field must not lower the probability, -1 where it must not raise it."""
    if forest == "variant":
        return [1 if name in ("mean_similarity", "inliers") else 0 for name in FIELDS]
    return [1 if name in RISES else -1 if name in FALLS else 0 for name in FIELDS]


Known = tuple[str, str, str, Fingerprint]
"""Family, template, master and fingerprint of a graphic."""


def generated(seed: int) -> list[Known]:
    """The graphics of one family of the generator."""
    return [(g.name[:5], g.template, g.master, fingerprint(g.image)) for g in family(seed)]


def drawing_of(path: Path) -> str:
    """The drawing without its skin tone."""
    return "-".join(part for part in path.stem.split("-") if not SKIN_TONE.fullmatch(part))


def half_of(drawing: str) -> str:
    """`fit` or `report`."""
    return ("fit", "report")[hashlib.sha256(drawing.encode()).digest()[0] % 2]


def drawn(path: Path) -> list[Known]:
    """One OpenMoji file, and of every third some edited copies."""
    rng, image, drawing = random.Random(path.stem), read_image(path), drawing_of(path)
    found = [(drawing, drawing, path.stem, fingerprint(image))]
    for edit in rng.sample(sorted(EDITS), 3) if rng.random() < 0.35 else ():
        found.append((drawing, drawing, path.stem, fingerprint(EDITS[edit](image, rng))))
    return found


def chosen_drawings(folder: Path) -> list[Path]:
    """Files of the half that may be learned from; of skin tones some."""
    rng = random.Random("openmoji")
    files = sorted(folder.glob("*.svg"))
    drawings = sorted({drawing_of(path) for path in files})
    taken = set(rng.sample(drawings, min(DRAWINGS, len(drawings))))
    return [
        path
        for path in files
        if drawing_of(path) in taken
        and half_of(drawing_of(path)) == "fit"
        and (drawing_of(path) == path.stem or rng.random() < 0.3)
    ]


def relation(a: Known, b: Known) -> str:
    """The truth about two graphics."""
    if a[2] == b[2]:
        return "near"
    if a[1] == b[1]:
        return "variant"
    return "lookalike" if a[0] == b[0] else "distinct"


def judge(pair: tuple[Fingerprint, Fingerprint, str, float]) -> Row | None:
    """Evidence, label and weight of one pair."""
    a, b, label, weight = pair
    found = evidence_of(a, b)
    return None if found is None else (found.vector().tolist(), label, weight)


def known_pairs(
    graphics: list[Known],
) -> Iterator[tuple[Fingerprint, Fingerprint, str, float]]:
    """All pairs of one family, and candidates across families, thinned out."""
    rng = random.Random("fit")
    index = Candidates()
    index.extend([(str(i), graphic[3]) for i, graphic in enumerate(graphics)])
    chosen = {(int(pair.a), int(pair.b)) for pair in index.pairs()}
    families: dict[str, list[int]] = {}
    for i, graphic in enumerate(graphics):
        families.setdefault(graphic[0], []).append(i)
    chosen |= {(i, j) for some in families.values() for i in some for j in some if i < j}
    for i, j in sorted(chosen):
        label = relation(graphics[i], graphics[j])
        if rng.random() < KEEP[label]:
            yield graphics[i][3], graphics[j][3], label, WEIGHTS[label]


def real_half(path: Path) -> Iterator[tuple[Fingerprint, Fingerprint, str, float]]:
    """The real pairs of the half that may be learned from."""
    pairs: Iterable[RealPair] = [pair for pair in real_pairs(path) if pair.half == "fit"]
    prints: dict[Path, Fingerprint] = {}
    for pair in pairs:
        for file in (pair.a, pair.b):
            if file not in prints:
                prints[file] = fingerprint(read_image(file))
        label = "near" if pair.label in NEAR else pair.label
        yield prints[pair.a], prints[pair.b], label, REAL_WEIGHT * WEIGHTS[label]


def fit(rows: list[Row], forest: str) -> dict[str, object]:
    """One forest: near against the rest, or variant against what is neither."""
    if forest == "variant":
        rows = [row for row in rows if row[1] != "near"]
    x = np.array([row[0] for row in rows])
    y = np.array([row[1] == forest for row in rows])
    model = HistGradientBoostingClassifier(
        max_iter=120,
        learning_rate=0.08,
        max_leaf_nodes=8,
        min_samples_leaf=25,
        l2_regularization=5.0,
        monotonic_cst=monotone(forest),
        early_stopping=False,
        random_state=0,
    ).fit(x, y, sample_weight=[row[2] for row in rows])
    trees = [_tree(stage[0].nodes) for stage in model._predictors]
    return {"base": float(np.ravel(model._baseline_prediction)[0]), "trees": trees}


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
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.workers) as pool:
        seeds = range(0, 2 * options.templates, 2)
        graphics = [graphic for some in pool.map(generated, seeds) for graphic in some]
        if options.openmoji:
            files = chosen_drawings(options.openmoji)
            graphics += [one for some in pool.map(drawn, files, chunksize=8) for one in some]
        pairs = list(known_pairs(graphics))
        if options.real:
            pairs += list(real_half(options.real))
        rows = [row for row in pool.map(judge, pairs, chunksize=64) if row is not None]
    counts = {label: sum(row[1] == label for row in rows) for label in sorted({r[1] for r in rows})}
    forests = {"fields": FIELDS, **{name: fit(rows, name) for name in ("near", "variant")}}
    options.out.write_text(json.dumps(forests, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(rows)} pairs: {counts}; wrote {options.out}")


if __name__ == "__main__":
    main()
