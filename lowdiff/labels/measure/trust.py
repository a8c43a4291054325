"""What evidence amounts to: logistic regressions, fitted by `benchmarks/fit_measures.py`."""

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

TRUST_FILE = "trust.json"


def trust(field: str, value: str, evidence: Mapping[str, float]) -> float:
    """Probability that a measured value is right, 0.02..0.995.

    Args:
        value: the value that was measured; rare values have a bias of their own.
    """
    fitted = read_weights()["fields"].get(field)
    if fitted is None:
        return 0.5
    total = fitted["bias"] + fitted["values"].get(value, 0.0)
    total += sum(weight * evidence.get(name, 0.0) for name, weight in fitted["weights"].items())
    return round(min(0.995, max(0.02, 1 / (1 + math.exp(-max(-30.0, min(30.0, total)))))), 4)


def likelihoods(field: str, evidence: Mapping[str, float]) -> dict[str, float]:
    """Value → probability, of a field that is told by multinomial logistic regression."""
    table = read_weights()["choices"][field]
    totals = {
        value: row["bias"]
        + sum(weight * evidence.get(name, 0.0) for name, weight in row["weights"].items())
        for value, row in table.items()
    }
    highest = max(totals.values())
    parts = {value: math.exp(total - highest) for value, total in totals.items()}
    return {value: part / sum(parts.values()) for value, part in parts.items()}


@cache
def read_weights() -> dict[str, Any]:
    """The fitted weights, as they lie beside this file."""
    text = files("lowdiff.labels.measure").joinpath(TRUST_FILE).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
