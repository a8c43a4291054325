"""How often a draft of some confidence is right, learned from what people said of such drafts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_LABELS = 20
"""With fewer, a drafter's own confidence is the better guess."""
ISOTONIC_FROM = 1000
"""Isotonic regression needs about so many to be better than Platt's curve (Niculescu-Mizil,
Caruana: Predicting good probabilities with supervised learning, ICML 2005)."""
Floats = NDArray[np.float64]
_GRID: Floats = np.linspace(0, 1, 101, dtype=np.float64)


@dataclass(frozen=True)
class Calibrator:
    """Turns the confidence of one drafter in one field into the share of drafts that are right."""

    labels: int
    """Labels of people that it rests on."""
    method: str
    """`platt` or `isotonic`."""
    shares: tuple[float, ...]
    """At confidences 0, 0.01 … 1."""

    def __call__(self, confidence: float) -> float:
        """The calibrated confidence, in (0, 1)."""
        return float(np.interp(confidence, _GRID, self.shares))


@dataclass(frozen=True)
class Calibration:
    """All calibrators, by (field, family of drafters)."""

    calibrators: Mapping[tuple[str, str], Calibrator]

    def calibrated(self, field: str, by: str, confidence: float) -> float:
        """The calibrated confidence where enough labels are known, else the drafter's own.

        Args:
            by: the drafter, with or without its version.
        """
        found = self.calibrators.get((field, by.split("/")[0]))
        return found(confidence) if found else confidence


def fit(confidences: Sequence[float], right: Sequence[bool]) -> Calibrator | None:
    """Learn from drafts that people have judged; None with fewer than LEAST_LABELS.

    Shares stay off 0 and 1 by what so few labels leave open: (k + 1) / (n + 2).

    Args:
        confidences: in [0, 1], one for each draft.
        right: whether a person said the same.
    """
    n = len(confidences)
    if n < LEAST_LABELS:
        return None
    x, y = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    isotonic = n >= ISOTONIC_FROM
    shares = _isotonic(x, y) if isotonic else _platt(x, y)
    shares = np.clip(shares, 1 / (n + 2), (n + 1) / (n + 2))
    return Calibrator(n, "isotonic" if isotonic else "platt", tuple(float(s) for s in shares))


def _isotonic(x: Floats, y: Floats) -> Floats:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(x, y)
    return np.asarray(model.predict(_GRID))


def _platt(x: Floats, y: Floats) -> Floats:
    """Logistic regression on the log odds, with Platt's smoothed targets (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    good, bad = y.sum(), len(y) - y.sum()
    target = np.where(y == 1, (good + 1) / (good + 2), 1 / (bad + 2))
    features = np.concatenate([_log_odds(x), _log_odds(x)])[:, None]
    classes = np.repeat([1, 0], len(x))
    model = LogisticRegression(C=1.0).fit(
        features, classes, sample_weight=np.concatenate([target, 1 - target])
    )
    slope = float(model.coef_[0, 0])
    if slope < 0:  # more confident and less often right: then the confidence says nothing
        return np.full_like(_GRID, (good + 1) / (len(y) + 2))
    return np.asarray(model.predict_proba(_log_odds(_GRID)[:, None])[:, 1])


def _log_odds(confidence: Floats) -> Floats:
    inside = np.clip(confidence, 0.005, 0.995)
    odds: Floats = np.log(inside / (1 - inside))
    return odds
