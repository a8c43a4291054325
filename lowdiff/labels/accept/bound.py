"""How often drafts are wrong at most: a bound that holds however often one looks at it.

A usual confidence bound holds for one look at a number of samples fixed before. We look after
every pull and stop when we like the answer, and then it is wrong far more often than it says. The
bound here is one end of a *confidence sequence*: with 95 % it holds at all times together.

To test "the error rate is p or more" we bet against it with a mixture of smaller rates q < p. The
likelihood ratio

    M(n, k) = ∫ (q/p)^k ((1-q)/(1-p))^(n-k) dF(q),   F = Beta(a, b) cut off at p

is a nonnegative supermartingale under every error rate of p or more, so that by Ville's inequality
it ever reaches 1/α with probability α at most. The bound is the smallest p that is beaten.
(Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon: Time-uniform, nonparametric, nonasymptotic
confidence sequences, Annals of Statistics 2021; Waudby-Smith, Ramdas: Estimating means of bounded
random variables by betting, JRSS B 2024.)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaln

ALPHA = 0.05
PRIOR = (0.5, 1.0)
"""Beta(a, b) of the mixture: error rates near 0 are expected. Fixed before any label was seen."""
FIRST_ATTEMPT = 0.7
"""Share of ALPHA that may be used up before the first drift; what comes after shares the rest."""
DRIFTED = 5.0
"""Drift is looked for at this many times the limit."""
ALARM = 200.0
"""With errors exactly at the limit, labels between two false alarms on average, at least."""


def log_evidence(n: ArrayLike, errors: ArrayLike, p: float) -> NDArray[np.float64]:
    """Natural logarithm of the evidence against an error rate of `p` or more.

    Args:
        n: samples seen.
        errors: how many of them were wrong.
        p: in (0, 1).
    """
    n, errors = np.asarray(n, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    a, b = PRIOR
    right = n - errors
    with np.errstate(divide="ignore"):  # no mass of the mixture below p: no evidence, -inf
        below = np.log(betainc(a + errors, b + right, p)) - math.log(betainc(a, b, p))
    mixture = betaln(a + errors, b + right) - betaln(a, b) + below
    result: NDArray[np.float64] = mixture - errors * math.log(p) - right * math.log1p(-p)
    return result


def upper_bound(n: int, errors: int, *, alpha: float = ALPHA) -> float:
    """The error rate is below it with probability 1 - alpha, at all times together.

    Returns:
        In (0, 1]; 1 where nothing is known.
    """
    low, high = errors / n if n else 1.0, 1.0
    goal = -math.log(alpha)
    while high - low > 1e-6:
        middle = (low + high) / 2
        if float(log_evidence(n, errors, middle)) >= goal:
            high = middle
        else:
            low = middle
    return high


def is_below(n: int, errors: int, limit: float, *, alpha: float = ALPHA) -> bool:
    """True when the error rate is shown to be below the limit."""
    if n == 0 or errors / n >= limit:
        return False
    return float(log_evidence(n, errors, limit)) >= -math.log(alpha)


def samples_needed(n: int, errors: int, limit: float, *, alpha: float = ALPHA) -> int:
    """How many more samples, all of them right, would bring the bound below the limit."""
    if is_below(n, errors, limit, alpha=alpha):
        return 0
    few, enough = 0, 1
    while not is_below(n + enough, errors, limit, alpha=alpha):
        few, enough = enough, 2 * enough
    while enough - few > 1:
        middle = (few + enough) // 2
        if is_below(n + middle, errors, limit, alpha=alpha):
            enough = middle
        else:
            few = middle
    return enough


def alpha_of(attempt: int) -> float:
    """What the attempt of this number (from 0) may use up; all attempts together: ALPHA.

    Trying until something passes would break the promise: every fresh start after a drift gets
    less.
    """
    if attempt == 0:
        return FIRST_ATTEMPT * ALPHA
    return (1 - FIRST_ATTEMPT) * ALPHA / (attempt * (attempt + 1))


@dataclass(frozen=True)
class Trial:
    """What the audited drafts say, in the order in which people labelled them."""

    audited: int
    """Since the last drift."""
    errors: int
    upper_bound: float
    alpha: float
    is_on: bool
    drifts: int
    """How often acceptance was switched off because errors became more."""
    until_drift: int = 0
    """Audited drafts up to the last drift, with it."""


def judge(wrong: Sequence[bool], *, limit: float, share: float = 1.0) -> Trial:
    """Go through the audited drafts one by one, as if we had looked after each.

    Once the bound is below the limit, a CUSUM (Page 1954) of the bets "the error rate is five
    times the limit" watches every further draft. Its alarm ends the trial, and a new one begins
    with what comes after. It gives a false alarm only every ALARM labels (Lorden 1971), or much
    later where drafts are better than the limit.

    Args:
        wrong: True where a person said otherwise.
        limit: in (0, 0.5).
        share: of alpha, that this trial may use up.
    """
    worse = min(0.5, DRIFTED * limit)
    step = {True: math.log(worse / limit), False: math.log((1 - worse) / (1 - limit))}
    alpha, until, drifts = share * alpha_of(0), 0, 0
    while True:
        rest = np.asarray(wrong[until:], dtype=bool)
        first = _first_shown(rest, limit, alpha)
        alarm = None if first is None else _alarm(rest[first:].tolist(), step)
        if first is None or alarm is None:
            break
        until, drifts = until + first + alarm, drifts + 1
        alpha = share * alpha_of(drifts)
    n, errors = len(rest), int(rest.sum())
    bound = upper_bound(n, errors, alpha=alpha)
    return Trial(n, errors, bound, alpha, first is not None and bound < limit, drifts, until)


def _first_shown(wrong: NDArray[np.bool_], limit: float, alpha: float) -> int | None:
    """After how many drafts the error rate is shown to be below the limit; None: not yet."""
    n, errors = np.arange(1, len(wrong) + 1), np.cumsum(wrong)
    shown = (log_evidence(n, errors, limit) >= -math.log(alpha)) & (errors < limit * n)
    return int(shown.argmax()) + 1 if shown.any() else None


def _alarm(wrong: Sequence[bool], step: Mapping[bool, float]) -> int | None:
    """After how many drafts the CUSUM cries; None: it does not."""
    watch = 0.0
    for place, is_wrong in enumerate(wrong, start=1):
        watch = max(0.0, watch) + step[is_wrong]
        if watch >= math.log(ALARM):
            return place
    return None
