"""How many wrong labels `lowdiff label suspects` finds, by looks alone: errors put into a truth.

    python -m benchmarks.label_errors FOLDER [--rates 0.03 0.08] [--repeats 5] [--peer PYTHON]

FOLDER holds a brand set (`benchmarks/brand_set.py`). Into the true labels of every choice field
errors are put at a rate: `random` (any other value) or `systematic` (a class is called by its most
similar one, as a person does who has misread a definition). Reported is precision at the number of
errors put in, which there equals recall; picking blindly gives the rate itself. Twice: with the
features of the image alone, and with the measured draft of the field beside them, as the command
does it. Unusable pictures are left out. `--peer` is a Python with cleanlab (AGPL: never a
dependency), which ranks the same probabilities.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.brand_set import Truth, read_truth
from benchmarks.drafts import open_picture
from lowdiff.labels.learn.features import Builtin, look_at
from lowdiff.labels.measure.picture import measure_picture
from lowdiff.labels.quality.confident import (
    LEAST_OF_A_CLASS,
    normalised_margin,
    out_of_fold,
    suspected,
)
from lowdiff.labels.schema import load_schema

CONFUSED = {
    "background": {"gradient": "plain", "pattern": "photo"},
    "background_colour": {"purple": "blue", "orange": "red", "grey": "white"},
    "layout": {"left": "centred", "scattered": "grid", "top": "centred"},
    "figure_count": {"few": "many", "three": "few", "two": "three"},
    "figure_size": {"medium": "large", "small": "medium", "full": "large"},
    "saturation": {"muted": "vivid", "grey": "muted"},
    "style": {"shaded": "flat", "outline": "flat", "collage": "photo"},
    "logo": {"present": "none"},
    "quality": {"fair": "good", "poor": "fair"},
}
PEER = """
import json, sys
import numpy as np
from cleanlab.filter import find_label_issues
found = np.load(sys.argv[1])
ranked = find_label_issues(
    found["given"], found["chances"], return_indices_ranked_by="normalized_margin",
    filter_by="confident_learning", n_jobs=1,
)
json.dump([int(one) for one in ranked], sys.stdout)
"""


def table_of(folder: Path) -> tuple[list[Truth], NDArray[np.float32], list[dict[str, Any]]]:
    """Rows, features and measured drafts; kept beside the pictures."""
    rows = [row for row in read_truth(folder) if "unusable" not in row.fields["flags"]]
    kept, measured = folder / "features.npy", folder / "measured.json"
    if not kept.exists():
        extract, vectors, drafts = Builtin(), [], []
        for row in rows:
            kind = "jpeg" if row.file.endswith("jpg") else "png"
            vectors.append(
                extract([look_at((folder / row.file).read_bytes(), kind, item=row.file)])[0]
            )
            drafts.append(dict(measure_picture(open_picture(folder, row), []).values))
        np.save(kept, np.stack(vectors))
        measured.write_text(json.dumps(drafts))
    return rows, np.load(kept), json.loads(measured.read_text())


def spoil(
    labels: Sequence[str], field: str, rate: float, kind: str, dice: np.random.Generator
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Labels with errors, and where they are; fewer where a class has too few to confuse."""
    given = np.array(labels, dtype=object)
    values = sorted(set(labels))
    confused = CONFUSED[field] if kind == "systematic" else None
    able = [at for at, one in enumerate(labels) if confused is None or one in confused]
    number = min(round(rate * len(labels)), len(able) // 2)
    wrong = np.sort(dice.choice(able, number, replace=False))
    for at in wrong:
        others = [value for value in values if value != labels[at]]
        given[at] = confused[labels[at]] if confused else dice.choice(others)
    return given, wrong


def ranking(given: NDArray[np.intp], chances: NDArray[np.float64]) -> list[int]:
    """Confident suspects first, then the others, both by margin."""
    suspects, margins = suspected(given, chances), normalised_margin(given, chances)
    return sorted(range(len(given)), key=lambda at: (at not in suspects, margins[at]))


def peer_ranking(python: str, given: NDArray[np.intp], chances: NDArray[np.float64]) -> list[int]:
    """The suspects of cleanlab on the same probabilities."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file.name, given=given, chances=chances)
        done = subprocess.run(
            [python, "-c", PEER, file.name], capture_output=True, text=True, check=True
        )
    return list(json.loads(done.stdout))


def measure(
    rows: Sequence[Truth], vectors: NDArray[np.float32], drafts: Sequence[dict[str, Any]],
    *, rate: float, kind: str, repeats: int, peer: str | None,
) -> Iterator[tuple[str, str, int, float, float | None, float, float]]:  # fmt: skip
    """Field, input, errors, hits at their number (ours, peer's), precision and recall of the list
    of confident suspects; summed over the repeats."""
    choices = {one.name: one for one in load_schema().fields if one.kind == "choice"}
    for field in CONFUSED:
        truth = [str(row.fields[field]) for row in rows]
        values = choices[field].values
        draft = np.array([[one.get(field) == value for value in values] for one in drafts])
        for name, table in (("looks", vectors), ("looks+draft", np.hstack([vectors, draft]))):
            if name == "looks+draft" and not draft.any():
                continue
            errors, hits, peers, listed, right = 0, 0, 0, 0, 0
            for seed in range(repeats):
                given, wrong = spoil(truth, field, rate, kind, np.random.default_rng(seed))
                _, coded, numbers = np.unique(
                    given.astype(str), return_inverse=True, return_counts=True
                )
                fit = numbers[coded] >= LEAST_OF_A_CLASS
                usable = np.flatnonzero(fit)
                _, coded = np.unique(given[usable].astype(str), return_inverse=True)
                chances = out_of_fold(coded, np.asarray(table, np.float64)[usable], seed=seed)
                bad = set(wrong.tolist())
                ranked = [int(usable[at]) for at in ranking(coded, chances)]
                hits += len(bad & set(ranked[: len(bad)]))
                suspects = {int(usable[at]) for at in suspected(coded, chances)}
                errors, listed = errors + len(bad), listed + len(suspects)
                right += len(bad & suspects)
                if peer:
                    theirs = [int(usable[at]) for at in peer_ranking(peer, coded, chances)]
                    peers += len(bad & set(theirs[: len(bad)]))
            yield (
                field, name, errors, hits / max(1, errors),
                peers / max(1, errors) if peer else None,
                right / max(1, listed), right / max(1, errors),
            )  # fmt: skip


def main() -> None:
    """Print a table for every rate and kind of error."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.03, 0.08])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer", help="a Python that can import cleanlab")
    asked = parser.parse_args()
    rows, vectors, drafts = table_of(asked.folder)
    print(f"{len(rows)} images, {vectors.shape[1]} features, {asked.repeats} repeats")
    for kind in ("random", "systematic"):
        for rate in asked.rates:
            print(f"\n{kind} errors at {rate:.0%}")
            totals: dict[str, list[tuple[int, float, float]]] = {}
            for field, name, errors, hit, peer, precise, recalled in measure(
                rows, vectors, drafts, rate=rate, kind=kind, repeats=asked.repeats, peer=asked.peer
            ):
                theirs = "" if peer is None else f"  cleanlab {peer:.2f}"
                print(
                    f"{field:<18} {name:<12} {errors:>4} errors  found at their number {hit:.2f}"
                    f"{theirs}  list: precision {precise:.2f} recall {recalled:.2f}"
                )
                totals.setdefault(name, []).append((errors, hit, peer or 0.0))
                sys.stdout.flush()
            for name, some in totals.items():
                whole = sum(errors for errors, _, _ in some)
                mean = [sum(e * part[i] for e, *part in some) / whole for i in (0, 1)]
                theirs = f"  cleanlab {mean[1]:.3f}" if asked.peer else ""
                print(f"all fields {name:<12} {whole} errors  {mean[0]:.3f}{theirs}")


if __name__ == "__main__":
    main()
