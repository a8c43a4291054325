"""How good measured and read drafts are: accuracy, and how far their confidence can be trusted.

    python -m benchmarks.drafts FOLDER ... [--ocr CACHE] [--only FIELD] [--graphics]

FOLDERs hold brand sets (`benchmarks/brand_set.py`). For every field: the share that is right, the
share of images that could be accepted at 98 % precision (the surest first), and the AUROC of
confidence against correctness.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.brand_set import Truth, read_truth
from lowdiff.labels.measure.figure import FigureBox
from lowdiff.labels.measure.picture import MEASURED, measure_picture

SEEDS_FOR_REPORTS = range(100, 1000)
MEASURE_PX = 256
PRECISION = 0.98
COMMON = 0.9
"""A field whose most frequent value covers more says little."""


@dataclass(frozen=True)
class Judged:
    """One draft beside the truth."""

    field: str
    said: Any
    truth: Any
    confidence: float
    right: bool


def is_right(field: str, said: Any, truth: Any) -> bool:
    """Palettes are equal as sets, texts but for white space, anything else as it is."""
    if field == "palette":
        return set(said) == set(truth)
    if field in ("transcription", "caption", "brand"):
        return " ".join(str(said).split()) == " ".join(str(truth).split())
    return bool(said == truth)


def open_picture(folder: Path, row: Truth) -> NDArray[np.uint8]:
    """The pixels as the stage measures them."""
    with Image.open(folder / row.file) as opened:
        picture = opened.convert("RGBA")
    picture.thumbnail((MEASURE_PX, MEASURE_PX))
    return np.asarray(picture)


def word_boxes(row: Truth) -> list[FigureBox]:
    """The true lines of words, in shares of the picture."""
    return [
        FigureBox(
            box["x_px"] / row.width_px,
            box["y_px"] / row.height_px,
            (box["x_px"] + box["w_px"]) / row.width_px,
            (box["y_px"] + box["h_px"]) / row.height_px,
        )
        for box in row.boxes
        if box["label"] == "Text"
    ]


def coverage(judged: Sequence[Judged], *, precision: float = PRECISION) -> float:
    """Largest share of drafts, the surest first, of which `precision` are right."""
    ordered = sorted(judged, key=lambda one: -one.confidence)
    right, best = 0, 0
    for number, one in enumerate(ordered, 1):
        right += one.right
        tied = number < len(ordered) and ordered[number].confidence == one.confidence
        if not tied and right >= precision * number:
            best = number
    return best / max(1, len(ordered))


def auroc(judged: Sequence[Judged]) -> float:
    """Probability that a right draft is surer than a wrong one (Mann and Whitney 1947)."""
    right = np.array([one.confidence for one in judged if one.right])
    wrong = np.array([one.confidence for one in judged if not one.right])
    if not len(right) or not len(wrong):
        return float("nan")
    higher = (right[:, None] > wrong[None]).mean() + 0.5 * (right[:, None] == wrong[None]).mean()
    return float(higher)


def judge(folder: Path) -> Iterator[tuple[Truth, list[Judged], float]]:
    """Every usable picture of a set with its measured drafts and the CPU seconds they took."""
    for row in read_truth(folder):
        if "unusable" in row.fields["flags"]:
            continue
        rgba, words = open_picture(folder, row), word_boxes(row)
        started = time.process_time()
        found = measure_picture(rgba, words)
        spent = time.process_time() - started
        drafts = [
            Judged(
                name, found.values[name], row.fields[name], found.confidence[name],
                is_right(name, found.values[name], row.fields[name]),
            )
            for name in MEASURED
        ]  # fmt: skip
        yield row, drafts, spent


def print_table(title: str, judged: Sequence[Judged]) -> None:
    """One line a field."""
    print(
        f"\n{title}\n{'field':<18}{'images':>7}{'right':>8}{'at 98 %':>9}{'AUROC':>7}"
        "  most frequent"
    )
    for name in dict.fromkeys(one.field for one in judged):
        rows = [one for one in judged if one.field == name]
        common, number = Counter(str(one.truth) for one in rows).most_common(1)[0]
        share = number / len(rows)
        note = " (says little)" if share > COMMON else ""
        right = sum(one.right for one in rows) / len(rows)
        print(
            f"{name:<18}{len(rows):>7}{right:>8.3f}{coverage(rows):>9.2f}{auroc(rows):>7.3f}"
            f"  {common} {share:.0%}{note}"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--only", help="list the wrong drafts of this field")
    asked = parser.parse_args()
    tuned: list[Judged] = []
    held_out: list[Judged] = []
    seconds = []
    for folder in asked.folders:
        for row, drafts, spent in judge(folder):
            (held_out if row.held_out else tuned).extend(drafts)
            seconds.append(spent)
            for one in drafts:
                if one.field == asked.only and not one.right:
                    print(row.file, row.kind, one.truth, "->", one.said, one.confidence)
    print_table("kinds of picture that parameters were chosen on", tuned)
    if held_out:
        print_table("held-out kinds", held_out)
        print_table("all", tuned + held_out)
    print(f"\n{1000 * sum(seconds) / len(seconds):.1f} CPU ms per picture")


if __name__ == "__main__":
    main()
