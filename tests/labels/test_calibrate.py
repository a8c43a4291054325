"""Calibration against drafters whose true error is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowdiff.labels.accept.calibrate import ISOTONIC_FROM, LEAST_LABELS, fit


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An overconfident drafter: at confidence c it is right in c squared of all cases."""
    chance = np.random.default_rng(seed)
    sure = chance.uniform(0.3, 1.0, n)
    return sure, chance.random(n) < sure**2


@pytest.mark.parametrize(("n", "method"), [(100, "platt"), (ISOTONIC_FROM, "isotonic")])
def test_an_overconfident_drafter_is_corrected(n, method):
    errors = {"own": [], "calibrated": []}
    for seed in range(20):
        sure, right = drawn(n, seed)
        found = fit(list(sure), list(right))
        assert found is not None
        assert (found.method, found.labels) == (method, n)
        for confidence in np.linspace(0.35, 0.95, 13):
            errors["own"].append(abs(confidence - confidence**2))
            errors["calibrated"].append(abs(found(confidence) - confidence**2))
    assert np.mean(errors["calibrated"]) < 0.5 * np.mean(errors["own"])


def test_with_few_labels_nothing_is_claimed():
    assert fit([0.9] * (LEAST_LABELS - 1), [True] * (LEAST_LABELS - 1)) is None


@pytest.mark.parametrize("right", [True, False])
def test_labels_that_all_say_the_same_never_make_certain(right):
    found = fit([0.9] * 50, [right] * 50)
    assert found is not None
    assert 1 / 52 <= found(0.9) <= 51 / 52
    assert (found(0.9) > 0.9) is right


def test_a_confidence_that_points_the_wrong_way_is_not_used():
    found = fit([0.9] * 30 + [0.3] * 30, [False] * 30 + [True] * 30)
    assert found is not None
    assert found(0.3) == found(0.9) == pytest.approx(0.5, abs=0.02)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=LEAST_LABELS, max_size=60))
def test_a_higher_confidence_never_becomes_a_lower_one(pairs):
    found = fit([sure for sure, _ in pairs], [right for _, right in pairs])
    assert found is not None
    values = [found(confidence) for confidence in np.linspace(0, 1, 30)]
    assert all(0 < value < 1 for value in values)
    assert values == sorted(values)
