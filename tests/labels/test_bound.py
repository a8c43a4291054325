"""The bound that holds at all times: shown by simulation, beside one that does not."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from lowdiff.labels.accept.bound import (
    ALPHA,
    alpha_of,
    is_below,
    judge,
    log_evidence,
    samples_needed,
    upper_bound,
)

RUNS, SAMPLES = 2_000, 2_000


def runs(p: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    wrong = np.random.default_rng(seed).random((RUNS, SAMPLES)) < p
    return np.arange(1, SAMPLES + 1), wrong.cumsum(axis=1)


@pytest.mark.parametrize("p", [0.005, 0.02, 0.1, 0.4])
def test_looking_after_every_sample_the_bound_is_wrong_in_at_most_five_percent(p):
    n, errors = runs(p)
    missed = (log_evidence(n, errors, p) >= -math.log(ALPHA)).any(axis=1).mean()
    assert missed <= ALPHA


def test_a_usual_bound_is_wrong_far_more_often_when_one_looks_that_often():
    n, errors = runs(0.1)
    clopper_pearson = beta.ppf(1 - ALPHA, errors + 1, n - errors)
    assert (clopper_pearson < 0.1).any(axis=1).mean() > 3 * ALPHA


@pytest.mark.parametrize("p", [0.02, 0.03])
def test_drafts_at_or_over_the_limit_are_hardly_ever_accepted_however_often_one_looks(p):
    wrong = np.random.default_rng(2).random((400, 500)) < p
    accepted = 0
    for run in wrong:
        n, errors = np.arange(1, 501), run.cumsum()
        shown = log_evidence(n, errors, 0.02) >= -math.log(alpha_of(0))
        first = int(shown.argmax()) + 1
        accepted += bool(shown.any()) and judge(list(run[:first]), limit=0.02).is_on
    assert accepted / 400 <= ALPHA


@settings(deadline=None)
@given(st.integers(0, 3_000), st.data())
def test_the_bound_lies_above_what_was_seen_and_shrinks_with_right_samples(n, data):
    errors = data.draw(st.integers(0, min(n, 60)))
    bound = upper_bound(n, errors)
    assert (errors / n if n else 0) <= bound <= 1
    assert upper_bound(n + 1, errors) <= bound + 1e-6
    assert upper_bound(n + 1, errors + 1) >= bound - 1e-6


@settings(deadline=None)
@given(st.integers(1, 3_000), st.integers(0, 30), st.floats(0.005, 0.2))
def test_a_limit_is_shown_exactly_where_the_bound_is_below_it(n, errors, limit):
    errors = min(errors, n)
    bound = upper_bound(n, errors)
    if abs(bound - limit) > 1e-5:
        assert is_below(n, errors, limit) == (bound < limit)


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(0, 5))
def test_the_samples_that_are_needed_are_enough_and_not_one_too_many(n, errors):
    errors = min(errors, n)
    more = samples_needed(n, errors, 0.02)
    assert is_below(n + more, errors, 0.02)
    assert more == 0 or not is_below(n + more - 1, errors, 0.02)


def test_without_an_error_the_default_limit_takes_two_hundred_labels():
    assert samples_needed(0, 0, 0.02, alpha=alpha_of(0)) == 208


def test_all_attempts_together_use_up_no_more_than_alpha():
    assert sum(alpha_of(attempt) for attempt in range(10_000)) <= ALPHA + 1e-12


def test_drift_switches_off_and_the_count_starts_anew():
    good, bad = [False] * 300, [True, False, False, True] * 6
    assert judge(good, limit=0.02).is_on
    after = judge(good + bad, limit=0.02)
    assert not after.is_on
    assert after.drifts == 1
    assert after.audited < len(bad)
    assert after.alpha == alpha_of(1)


def test_a_drafter_that_becomes_good_again_is_accepted_again_but_later():
    wrong = [False] * 300 + [True] * 4 + [False] * 270
    assert not judge(wrong, limit=0.02).is_on
    assert judge([*wrong, *[False] * 100], limit=0.02).is_on


def test_drift_is_found_soon_and_a_good_drafter_is_left_alone():
    chance = np.random.default_rng(3)
    found, false_alarms = [], 0
    for _run in range(200):
        good = chance.random(800) < 0.005
        false_alarms += judge(list(good), limit=0.02).drifts > 0
        worse = [*[False] * 250, *(chance.random(400) < 0.15)]
        trial = judge(worse, limit=0.02)
        assert trial.drifts > 0
        found.append(
            next(at for at in range(250, 650) if judge(worse[: at + 1], limit=0.02).drifts)
        )
    assert false_alarms <= 2
    assert np.median(found) - 250 < 50
