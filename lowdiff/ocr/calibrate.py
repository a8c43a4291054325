"""From an engine's opinion of itself to a confidence that means what it says.

One logistic curve per situation (both engines agree, they differ, one is alone), fitted by
`benchmarks/ocr_calibration.py` on the tuning half of real graphics; `calibration.json` holds the
weights and how they were made.
"""

import json
import math
from functools import cache
from importlib.resources import files

from lowdiff.ocr.merge import Evidence

FILE = "calibration.json"
FEATURES = ("one", "mine", "theirs", "length", "single", "odd", "likeness", "company", "bars")
MIN_CONFIDENCE, MAX_CONFIDENCE = 0.005, 0.9995
"""Engines say 1 and 0 where they mean nearly so."""
LONG_WORD = 8
SURE = 0.97
"""Words at or above it are told to be sure: at least 99 of 100 of them are right."""
BARS = frozenset("lLiI|1!/\\[]()")
"""Strokes: houses, fences and legs are read as these."""
COMMON_SIGNS = frozenset(".,:;!?'\"-()/&%$€@+#’")


def situation(evidence: Evidence) -> str:
    """Name of the curve that judges it: `agree`, `conflict tesseract`, `alone rapidocr` …"""
    if evidence.state == "agree":
        return "agree"
    return f"{evidence.state} {evidence.engine}"


def features(evidence: Evidence) -> list[float]:
    """What a curve weighs, in the order of `FEATURES`."""
    length = sum(character.isalnum() for character in evidence.text)
    odd = sum(not _is_common(character) for character in evidence.text)
    return [
        1.0,
        _logit(evidence.mine),
        _logit(evidence.theirs),
        math.log1p(min(length, LONG_WORD)),
        float(length <= 1),
        odd / max(1, len(evidence.text)),
        evidence.likeness,
        evidence.company,
        sum(character in BARS for character in evidence.text) / max(1, len(evidence.text)),
    ]


def odds(evidence: Evidence) -> float:
    """How probable it is that a text is right, in [0, 1]."""
    weights = _curves()[situation(evidence)]
    total = sum(weight * value for weight, value in zip(weights, features(evidence), strict=True))
    return round(1 / (1 + math.exp(-max(-30.0, min(30.0, total)))), 4)


def _logit(confidence: float) -> float:
    inside = min(max(confidence, MIN_CONFIDENCE), MAX_CONFIDENCE)
    return math.log(inside / (1 - inside))


def _is_common(character: str) -> bool:
    return character.isalnum() or character.isspace() or character in COMMON_SIGNS


@cache
def _curves() -> dict[str, list[float]]:
    text = files("lowdiff.ocr").joinpath(FILE).read_text(encoding="utf-8")
    curves: dict[str, list[float]] = json.loads(text)["curves"]
    return curves


def version() -> str:
    """Names the fit; another one gives other confidences."""
    text = files("lowdiff.ocr").joinpath(FILE).read_text(encoding="utf-8")
    return str(json.loads(text)["version"])
