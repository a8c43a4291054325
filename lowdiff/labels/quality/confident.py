"""Confident learning: labels that a classifier, which never saw them, contradicts. No I/O.

Source: Northcutt, Jiang, Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset
Labels", JAIR 70. A label is counted against class j where the out-of-fold probability of j reaches
the mean of those that carry the label j; off the diagonal of these counts lie the suspects, ranked
by normalised margin. Added are labels to which another class is preferred by CLEAR: where classes
are easy to tell, half of the errors miss a threshold that is a mean. The classifier, which never
saw the label, is a plain logistic regression on features of the images.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
LEAST_OF_A_CLASS = FOLDS
"""A class with fewer labels cannot be in every fold: nothing is said of it."""
LEAST_LABELS = 60
"""With fewer labels of a field a classifier knows next to nothing."""
COMPONENTS = 64
"""Features are turned into so many principal components: more only cost time."""
CLEAR = 0.5
"""So much more probable another class must be to make a label suspect by itself."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Doubt:
    """A label that the classifier contradicts."""

    place: int
    """In the list of labels."""
    instead: str
    """What the classifier takes for right."""
    margin: float
    """In [-1, 1]: probability of the label − that of the best other class; −1 is worst."""


def doubts(labels: Sequence[str], features: NDArray[Any], *, seed: int = 0) -> list[Doubt]:
    """Labels that are probably wrong, the worst first; none where there are too few labels.

    Args:
        features: (n, d), one row for each label.
    """
    usable, names = _usable(labels)
    if len(usable) < LEAST_LABELS or len(names) < 2:
        return []
    given = np.array([names.index(labels[place]) for place in usable])
    chances = out_of_fold(given, np.asarray(features, np.float64)[usable], seed=seed)
    found = suspected(given, chances)
    margins = normalised_margin(given, chances)
    return [
        Doubt(usable[row], names[instead], float(margins[row]))
        for row, instead in sorted(found.items(), key=lambda pair: (margins[pair[0]], pair[0]))
    ]


def suspected(given: NDArray[np.intp], chances: Floats) -> dict[int, int]:
    """Row → class that it rather is: off the diagonal, or clearly preferred."""
    clear = np.flatnonzero(normalised_margin(given, chances) <= -CLEAR)
    preferred = {int(row): int(chances[row].argmax()) for row in clear}
    return preferred | off_diagonal(given, chances)


def off_diagonal(given: NDArray[np.intp], chances: Floats) -> dict[int, int]:
    """Row → class that is confidently another one than the given.

    A class counts for a row where its probability reaches the class's threshold; of several the
    most probable. The threshold of a class is the mean probability of it over the rows that carry
    its label, so classes of which the classifier is rarely sure are not at a disadvantage.
    """
    classes = range(chances.shape[1])
    thresholds = np.array([chances[given == one, one].mean() for one in classes])
    reached = np.where(chances >= thresholds, chances, -1.0)
    best = reached.argmax(axis=1)
    counted = reached.max(axis=1) >= 0
    return {int(row): int(best[row]) for row in np.flatnonzero(counted & (best != given))}


def normalised_margin(given: NDArray[np.intp], chances: Floats) -> Floats:
    """Probability of the given label − the best one of the others."""
    rows = np.arange(len(given))
    others = chances.copy()
    others[rows, given] = -1.0
    found: Floats = chances[rows, given] - others.max(axis=1)
    return found


def out_of_fold(given: NDArray[np.intp], features: Floats, *, seed: int = 0) -> Floats:
    """(n, classes): for every row the probabilities by a classifier that did not learn from it."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learner_on = len(given) - -(-len(given) // FOLDS)
    model = make_pipeline(
        StandardScaler(),
        PCA(min(COMPONENTS, features.shape[1], learner_on), random_state=seed),
        LogisticRegression(C=0.1, max_iter=500),
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    found: Floats = cross_val_predict(model, features, given, cv=folds, method="predict_proba")
    return found


def _usable(labels: Sequence[str]) -> tuple[list[int], list[str]]:
    """Places of the labels whose class is frequent enough, and these classes."""
    numbers = Counter(labels)
    names = sorted(one for one, number in numbers.items() if number >= LEAST_OF_A_CLASS)
    return [place for place, one in enumerate(labels) if one in names], names
