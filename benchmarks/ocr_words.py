"""Does a word's confidence mean what it says? Words are right when the truth holds them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.ocr_data import Row, folded
from lowdiff.ocr.calibrate import SURE
from lowdiff.ocr.document import Word

BINS = 10


@dataclass(frozen=True)
class Judged:
    """One word, with its confidence and whether it is right."""

    confidence: float
    right: bool


def judge(row: Row, words: Sequence[Word]) -> list[Judged]:
    """Each word against the words of the truth, each of which can be found once."""
    left = Counter(folded(row.truth, row.kind).split())
    judged = []
    for word in sorted(words, key=lambda one: -one.confidence):
        parts = folded(word.text, row.kind).split() or [""]
        right = all(left[part] > 0 for part in parts)
        left.subtract(parts if right else [])
        judged.append(Judged(word.confidence, right))
    return judged


def calibration_error(words: Sequence[Judged]) -> float:
    """Expected calibration error over ten equal bins of confidence, weighted by their size."""
    error = 0.0
    for number in range(BINS):
        inside = [w for w in words if min(BINS - 1, int(w.confidence * BINS)) == number]
        if inside:
            mean = sum(word.confidence for word in inside) / len(inside)
            share = sum(word.right for word in inside) / len(inside)
            error += abs(mean - share) * len(inside) / len(words)
    return error


def calibration_table(words: Sequence[Judged]) -> str:
    """Two lines for people."""
    sure = [word for word in words if word.confidence >= SURE]
    right = sum(word.right for word in sure)
    return (
        f"calibration: {len(words)} words, expected error {calibration_error(words):.3f}\n"
        f"sure: {len(sure)} words ({len(sure) / len(words):.0%}), "
        f"{right} right ({right / max(1, len(sure)):.2%})"
    )
