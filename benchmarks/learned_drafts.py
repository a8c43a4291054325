"""How good learned drafts are after so many labels: heads, and logos matched against marked ones.

    python -m benchmarks.learned_drafts FOLDER [--labels 50 100 200 400] [--only FIELD ...]

FOLDER holds a brand set (`benchmarks/brand_set.py`). Labels are those of whole families, drawn by
lot; what is reported is on the other families. Tags that name the style are not shown to the heads.
"""

import argparse
import io
import re
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from benchmarks.brand_set import Truth, read_truth
from benchmarks.drafts import open_picture, word_boxes
from lowdiff.labels.learn.examples import (
    LOGO_WORDS,
    SOURCE_BINS,
    measured_evidence,
    word_statistics,
)
from lowdiff.labels.learn.features import look_at
from lowdiff.labels.learn.heads import Floats, coverage, fit_head, look_through, too_few
from lowdiff.labels.learn.logos import MOST_OF_A_BRAND
from lowdiff.labels.learn.marks import MARK_PX, PICTURE_PX, Corners, corners_of, find_mark
from lowdiff.labels.learn.vector import vector_of
from lowdiff.labels.measure.picture import MEASURED, measure_picture
from lowdiff.labels.schema import load_schema

FIELDS = ("style", "quality", "logo", "flags", "background", "layout", "figure_count", "saturation")
SCHEMA = load_schema()


def rows_of(folder: Path, truth: Sequence[Truth]) -> tuple[Floats, list[dict[str, Any]]]:
    """What heads look at, and what is measured, of every picture; kept beside the set."""
    kept = folder / "learned.npz"
    if kept.is_file():
        found = np.load(kept, allow_pickle=True)
        return found["x"], list(found["measured"])
    rows, measured = [], []
    for one in truth:
        body = (folder / one.file).read_bytes()
        found = measure_picture(open_picture(folder, one), word_boxes(one))
        fields = {
            name: {"value": found.values[name], "confidence": found.confidence[name], "by": "m/1"}
            for name in MEASURED
        }
        boxes = [(box.left, box.top, box.right, box.bottom) for box in found.figures]
        largest = max(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]), default=None)
        kind = "jpeg" if one.file.endswith("jpg") else "png"
        look = look_at(body, kind, item=one.file, figure=largest)
        vector = vector_of(
            look.rgba, figure=largest, quantization=look.quantization,
            bytes_per_pixel=look.bytes_per_pixel,
        )  # fmt: skip
        text = {"text": one.fields["transcription"], "mean_confidence": 1.0}
        evidence = measured_evidence({"fields": fields}, SCHEMA)
        rows.append([*vector, *word_statistics(text), *_source(one), *evidence])
        measured.append(fields)
    x = np.array(rows, dtype=np.float16).astype(np.float32)
    np.savez(kept, x=x, measured=np.array(measured, dtype=object))
    return x, measured


def _source(one: Truth) -> list[float]:
    """The hashed words of the source, without those that name the style."""
    texts = [one.source["title"] or "", one.source["alt_text"] or "", *one.source["tags"]]
    words = {w for text in texts for w in re.findall(r"[^\W\d_]{2,}", text.lower())}
    words -= set(SCHEMA.field("style").values)
    bag = [0.0] * SOURCE_BINS
    for word in words:
        number = zlib.crc32(word.encode())
        bag[number % SOURCE_BINS] += 1 if number & 0x80000000 else -1
    return [float(not words), float(bool(LOGO_WORDS & words)), *bag]


def key_of(value: Any) -> str:
    """A label as the name of a class: flags in order, joined by `+`."""
    return "+".join(sorted(value)) if isinstance(value, list) else str(value)


def draw_labels(truth: Sequence[Truth], number: int, seed: int) -> tuple[list[int], list[int]]:
    """Rows that are labeled, and the rows of all other families."""
    families = sorted({one.family for one in truth})
    np.random.default_rng(seed).shuffle(families)
    labeled: list[int] = []
    touched = set()
    for family in families:
        if len(labeled) < number:
            touched.add(family)
            labeled += [at for at, one in enumerate(truth) if one.family == family]
    return labeled[:number], [at for at, one in enumerate(truth) if one.family not in touched]


def print_heads(
    truth: Sequence[Truth], x: Floats, measured: Sequence[dict[str, Any]], *,
    numbers: Sequence[int], fields: Sequence[str], draws: int,
) -> None:  # fmt: skip
    """One line for every field and number of labels: means over the draws."""
    lens = look_through(x)
    print(f"{'field':<15}{'labels':>7}{'tested':>7}{'most':>7}{'rule':>7}{'right':>7}{'sure':>7}"
          f"{'at 98 %':>9}{'CPU s':>7}")  # fmt: skip
    for field in fields:
        values = [key_of(one.fields[field]) for one in truth]
        for number in numbers:
            found = []
            for seed in range(draws):
                labeled, rest = draw_labels(truth, number, seed)
                groups = [truth[at].family for at in labeled]
                own = [values[at] for at in labeled]
                if len(rest) < 50 or too_few(own, groups):
                    continue
                started = time.process_time()
                head = fit_head(x[labeled], own, groups, lens).head
                spent = time.process_time() - started
                shares = head.probabilities(x[rest])
                said = [head.classes[best] for best in shares.argmax(axis=1)]
                right = np.array([a == values[at] for a, at in zip(said, rest, strict=True)])
                rule = [
                    key_of(measured[at][field]["value"]) == values[at] if field in MEASURED else 0
                    for at in rest
                ]
                most = Counter(values[at] for at in rest).most_common(1)[0][1] / len(rest)
                sure = shares.max(axis=1)
                found.append(
                    (len(rest), most, np.mean(rule), right.mean(), sure.mean(),
                     coverage(sure, right), spent)
                )  # fmt: skip
            if found:
                n, most, rule, right_, sure_, covered, spent = np.mean(found, axis=0)
                print(f"{field:<15}{number:>7}{n:>7.0f}{most:>7.3f}{rule:>7.3f}{right_:>7.3f}"
                      f"{sure_:>7.3f}{covered:>9.2f}{spent:>7.1f}", flush=True)  # fmt: skip


def print_logos(folder: Path, truth: Sequence[Truth], *, number: int, most: int) -> None:
    """How many logos of other families are found, and how many finds are right."""
    labeled, rest = draw_labels(truth, number, 0)
    counts: Counter[str] = Counter()
    marks: list[tuple[str, Corners]] = []
    for at in labeled:
        one = truth[at]
        for box in one.boxes:
            if box["label"] == "Logo" and counts[one.fields["brand"]] < MOST_OF_A_BRAND:
                counts[one.fields["brand"]] += 1
                x, y, w, h = (box[side] for side in ("x_px", "y_px", "w_px", "h_px"))
                piece = _pixels(folder, one)[y : y + h, x : x + w]
                marks.append((one.fields["brand"], corners_of(piece, MARK_PX)))
    true, found, right, named, known, spent = 0, 0, 0, 0, 0, 0.0
    for at in rest[:most]:
        one = truth[at]
        started = time.process_time()
        corners = corners_of(_pixels(folder, one), PICTURE_PX)
        hits = [(hit.confidence, name) for name, m in marks if (hit := find_mark(m, corners))]
        spent += time.process_time() - started
        has = one.fields["logo"] == "present"
        true, known = true + has, known + (has and one.fields["brand"] in counts)
        if hits:
            found, right = found + 1, right + has
            named += max(hits)[1] == one.fields["brand"]
    print(
        f"logos: {number} labels, {len(marks)} templates of {len(counts)} brands; of "
        f"{len(rest[:most])} other pictures {true} have a logo ({known} of a brand with a "
        f"template); found in {found}, rightly in {right}, with the right brand in {named}; "
        f"{1000 * spent / max(1, len(rest[:most])):.0f} CPU ms a picture",
        flush=True,
    )


def _pixels(folder: Path, one: Truth) -> Any:
    with Image.open(io.BytesIO((folder / one.file).read_bytes())) as opened:
        return np.asarray(opened.convert("RGBA"))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 100, 200, 400])
    parser.add_argument("--only", nargs="+", default=list(FIELDS))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--logos", type=int, default=100, help="pictures to search for logos")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    every = read_truth(asked.folder)
    x, measured = rows_of(asked.folder, every)
    if asked.logos:
        for number in asked.labels:
            print_logos(asked.folder, every, number=number, most=asked.logos)
    print_heads(
        every, x, measured, numbers=asked.labels, fields=asked.only, draws=asked.draws
    )  # fmt: skip


if __name__ == "__main__":
    main()
