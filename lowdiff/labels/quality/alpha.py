"""Krippendorff's alpha with an interval: agreement beyond what chance would give.

Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability". Values that are sets are
told apart by MASI (Passonneau 2006, "Measuring Agreement on Set-valued Items"). No I/O.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BOOTSTRAPS = 1000
AT_ONCE = 100
"""Resamples in memory at a time."""
Distance = Callable[[Hashable, Hashable], float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A number, the 95 % interval of it, and what it rests on."""

    value: float
    low: float
    high: float
    images: int
    """Images that at least two annotators have judged: the interval resamples them."""
    values: int
    """Judgements of these images."""


def nominal(one: Hashable, other: Hashable) -> float:
    """0 for the same value, 1 for any other."""
    return float(one != other)


def masi(one: Hashable, other: Hashable) -> float:
    """Distance of two frozen sets in [0, 1]: 1 − Jaccard × how monotonic they are.

    The second factor is 1 for equal sets, 2/3 where one contains the other, 1/3 where they
    overlap, 0 where they share nothing.
    """
    assert isinstance(one, frozenset)
    assert isinstance(other, frozenset)
    if one == other:
        return 0.0
    common = len(one & other)
    jaccard = common / len(one | other)
    monotonic = 2 / 3 if one <= other or other <= one else 1 / 3
    return 1 - jaccard * monotonic if common else 1.0


def krippendorff(
    units: Sequence[Sequence[Hashable]], distance: Distance = nominal, *, seed: int = 0
) -> Interval | None:
    """Alpha over units (images), each the values that its annotators gave.

    1 is perfect, 0 what chance would give. Units with fewer than two values say nothing. The
    interval is the percentile bootstrap over units.

    Args:
        distance: in [0, 1], symmetric, 0 for equal values.

    Returns:
        None where alpha is not defined: no pair of values, or all values are the same.
    """
    paired = [unit for unit in units if len(unit) > 1]
    values = list(dict.fromkeys(value for unit in paired for value in unit))
    if len(values) < 2:
        return None
    at = {value: place for place, value in enumerate(values)}
    counts = np.zeros((len(paired), len(values)))
    for row, unit in enumerate(paired):
        for value in unit:
            counts[row, at[value]] += 1
    apart = np.array([[distance(one, other) for other in values] for one in values])
    everything = np.ones((1, len(paired)))
    value = float(_alphas(everything, counts, apart)[0])
    low, high = _percentiles(
        _resampled(len(paired), seed, lambda weights: _alphas(weights, counts, apart)), value
    )
    return Interval(value, low, high, len(paired), int(counts.sum()))


def mean_with_interval(
    units: Sequence[float], *, values: int | None = None, seed: int = 0
) -> Interval | None:
    """The mean over units with its bootstrap interval; None without units.

    Args:
        values: judgements behind the units; default two for each.
    """
    if not units:
        return None
    numbers = np.asarray(units, dtype=np.float64)
    mean = float(numbers.mean())
    means = _resampled(len(units), seed, lambda weights: weights @ numbers / len(units))
    low, high = _percentiles(means, mean)
    return Interval(mean, low, high, len(units), 2 * len(units) if values is None else values)


def _alphas(weights: Floats, counts: Floats, apart: Floats) -> Floats:
    """1 − observed / expected disagreement, for every row of weights of the units."""
    sizes = counts.sum(axis=1)
    observed = ((counts @ apart) * counts).sum(axis=1) / (sizes - 1)
    totals = weights @ counts
    number = totals.sum(axis=1)
    expected = ((totals @ apart) * totals).sum(axis=1) / (number - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(expected > 0, 1 - (weights @ observed) / expected, np.nan)
    return found


def _resampled(units: int, seed: int, measure: Callable[[Floats], Floats]) -> Floats:
    dice = np.random.default_rng(seed)
    found = []
    for _ in range(BOOTSTRAPS // AT_ONCE):
        drawn = dice.integers(0, units, (AT_ONCE, units))
        weights = np.zeros((AT_ONCE, units))
        np.add.at(weights, (np.arange(AT_ONCE)[:, None], drawn), 1)
        found.append(measure(weights))
    return np.concatenate(found)


def _percentiles(found: Floats, value: float) -> tuple[float, float]:
    """2.5 % and 97.5 %; resamples in which nothing varies say nothing."""
    known = found[np.isfinite(found)]
    if not known.size:
        return value, value
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
