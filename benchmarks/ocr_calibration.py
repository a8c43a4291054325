"""Fit the curves of `lowdiff/ocr/calibration.json` on the tuning half of real graphics.

    python -m benchmarks.ocr_calibration DATA/ocr [--cache FOLDER]

A text counts as right when the truth holds all its words; case and order do not matter. Pictures
of which only some words are known teach nothing here.
"""

import argparse
import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.ocr_cache import CachedEngine
from benchmarks.ocr_data import Row, folded, rows_of
from lowdiff.ingest.decode import decode, sniff_format
from lowdiff.ocr.alone import lines_alone
from lowdiff.ocr.both import seen_alone
from lowdiff.ocr.calibrate import FEATURES, FILE, features, situation
from lowdiff.ocr.engine import Engine, ForOneImage
from lowdiff.ocr.first_look import look_for_text
from lowdiff.ocr.merge import Evidence
from lowdiff.ocr.plan import PAGE_MODE, Plan, straight_words
from lowdiff.ocr.prepare import prepare
from lowdiff.ocr.rapid import open_rapid
from lowdiff.ocr.reading import read_words, worth_reading
from lowdiff.ocr.tesseract import open_tesseract

TEXTLESS = ("noto_emoji", "crawl_tiles")
SPEAKING = [
    "button",
    "sign",
    "symbol",
    "calendar",
    "input",
    "clock",
    "letter",
    "keycap",
    "mark",
    "arrow",
    "number",
    "abc",
    "book",
    "page",
    "paper",
    "newspaper",
    "sale",
    "ticket",
    "coin",
    "money",
    "bill",
    "card",
    "chart",
    "scroll",
    "rune",
    "written",
    "mail",
    "atm",
    "box",
    "badge",
]
"""Captions of graphics that may hold writing."""
STRENGTH = 1.0
"""Inverse of the pull towards zero (scikit-learn's C): there are only some hundred examples."""
TEXTLESS_WEIGHT = 0.9
"""What passes the first look has writing more often than this many drawings would tell."""
TEXTLESS_SHARE = 3
"""One of so many drawings is read: they are many."""
Examples = dict[str, list[tuple[Evidence, bool, float]]]


def main() -> None:
    """Read, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/.ocr-cache"))
    parser.add_argument("--textless", type=Path, help="folder of graphics without writing")
    options = parser.parse_args()
    engines: dict[str, Engine] = {
        "tesseract": CachedEngine(
            ForOneImage(open_tesseract(("eng",), timeout_s=60), math.inf), options.cache
        ),
        "rapidocr": CachedEngine(open_rapid(), options.cache),
    }
    rows = [row for row in rows_of(options.data) if row.half == "tuning" and row.whole]
    examples: Examples = defaultdict(list)
    textless = list(_textless(options.textless)) if options.textless else []
    for row in [*rows, *textless]:
        _collect(row, engines, examples)
    path = Path(__file__).parents[1] / "lowdiff" / "ocr" / FILE
    curves = {name: fit(pairs) for name, pairs in sorted(examples.items())}
    record = {
        "version": "3",
        "made": "benchmarks/ocr_calibration.py on the tuning half of data/ocr",
        "images": len(rows),
        "images_without_writing": len(textless),
        "weight_without_writing": TEXTLESS_WEIGHT,
        "engines": {name: engine.version for name, engine in engines.items()},
        "examples": {
            name: {"right": sum(right for _, right, _ in pairs), "of": len(pairs)}
            for name, pairs in sorted(examples.items())
        },
        "features": list(FEATURES),
        "curves": curves,
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record["examples"], indent=1))


def _textless(folder: Path) -> Iterator[Row]:
    """Pictures that show no writing, as far as their captions tell, on the tuning half."""
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        path = folder.parent / record["file"]
        if not any(part in record["file"] for part in TEXTLESS):
            continue
        if any(word in str(record["caption"]).lower() for word in SPEAKING):
            continue
        row = Row(record["file"], path, "without writing", "", strict=True, whole=True)
        if (
            row.half == "tuning"
            and hashlib.sha256(row.file.encode()).digest()[1] % TEXTLESS_SHARE == 0
        ):
            yield row


def _collect(row: Row, engines: dict[str, Engine], examples: Examples) -> None:
    body = row.path.read_bytes()
    rgba = decode(body, sniff_format(body, item=row.file), item=row.file)
    plan = Plan(engines, odds=lambda evidence: 0.99)  # judged by nobody yet: nothing is dropped
    marks = look_for_text(prepare(rgba).image)
    if not worth_reading(rgba, plan, marks=marks, item=row.file):
        return
    truth = Counter(folded(row.truth, "").lower().split())
    both = read_words(rgba, plan, item=row.file).evidence
    words = seen_alone(rgba, engines["rapidocr"], item=row.file)
    only = [Evidence("only", word.engine, word.text, word.confidence, 0, 0, 0) for word in words]
    straight = straight_words(rgba, engines["tesseract"], PAGE_MODE, item=row.file)
    lines = lines_alone(rgba, straight, engines["tesseract"], item=row.file) if marks else []
    only += [evidence for line in lines for _, evidence in line]
    for evidence in [*(one for _, one in both), *only]:
        need = Counter(folded(evidence.text, "").lower().split())
        right = bool(need) and all(truth[word] >= number for word, number in need.items())
        weight = 1.0 if row.truth else TEXTLESS_WEIGHT
        examples[situation(evidence)].append((evidence, right, weight))


def fit(pairs: list[tuple[Evidence, bool, float]]) -> list[float]:
    """Weights of a logistic curve; one that has seen a single outcome doubts a little."""
    rights = np.array([right for _, right, _ in pairs])
    table = np.array([features(evidence) for evidence, _, _ in pairs])
    weights = np.array([weight for _, _, weight in pairs])
    if rights.all() or not rights.any():
        table = np.vstack([table, table.mean(axis=0)])
        rights = np.append(rights, not rights[0])
        weights = np.append(weights, 1.0)
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=5000)
    model.fit(table, rights, sample_weight=weights)
    return [round(float(weight), 4) for weight in model.coef_[0]]


if __name__ == "__main__":
    main()
