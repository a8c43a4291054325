import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lowdiff.evaluation.distribution import kid, mind
from lowdiff.evaluation.features import WIDTH, random_features, standardise
from tests.evaluation.pictures import blurred, drawn, noise


def cloud(n: int, *, shift: float = 0.0, seed: int = 0, width: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, width, generator=generator) + shift


@given(st.integers(2, 30), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_equal_sets_are_no_distance_apart(n, seed):
    points = cloud(n, seed=seed)
    shuffled = points[torch.randperm(n, generator=torch.Generator().manual_seed(seed))]
    assert mind(points, shuffled) == pytest.approx(0, abs=1e-9)


@given(st.floats(0.1, 5.0), st.integers(2, 20))
@settings(max_examples=20, deadline=None)
def test_a_shift_costs_three_times_its_squared_length(shift, n):
    points = cloud(n)
    # sliced W2² of a translation δ is |δ|² / d, times 3 d
    expected = 3 * 6 * shift**2
    assert mind(points, points + shift) == pytest.approx(expected, rel=0.1)


def test_in_one_dimension_it_is_the_exact_transport_cost():
    one, two = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [1.0], [5.0]])
    # masses of 1/2 against 1/3: 0→0 (1/3), 0→1 (1/6), 1→1 (1/6), 1→5 (1/3)
    assert mind(one, two, directions=1) == pytest.approx(3 * (1 / 6 + 16 / 3), rel=1e-6)


def test_repeating_every_point_changes_nothing():
    points, others = cloud(7), cloud(5, shift=1.0, seed=1)
    assert mind(points.repeat(3, 1), others) == pytest.approx(mind(points, others), rel=1e-9)


def test_it_is_symmetric():
    a, b = cloud(9), cloud(14, shift=0.5, seed=3)
    assert mind(a, b) == pytest.approx(mind(b, a), rel=1e-9)
    assert kid(a, b) == pytest.approx(kid(b, a), rel=1e-9)


def test_kid_is_unbiased_around_zero_and_sees_a_shift():
    same = [kid(cloud(40, seed=2 * i), cloud(40, seed=2 * i + 1)) for i in range(60)]
    far = [kid(cloud(40, seed=2 * i), cloud(40, seed=2 * i + 1, shift=1.0)) for i in range(5)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 60**0.5
    assert min(same) < 0 < min(far)


def test_kid_needs_two_of_each():
    with pytest.raises(ValueError, match="2 samples"):
        kid(cloud(1), cloud(5))


def test_noise_is_farther_than_blur_and_blur_farther_than_the_same_kind():
    reference, same = drawn(range(0, 160)), drawn(range(160, 240))
    base, *others = standardise(
        random_features(reference),
        *(random_features(images) for images in (same, blurred(same), noise(80))),
    )
    for distance in (mind, kid):
        near, blur, far = (distance(other, base) for other in others)
        assert near < blur < far


def test_random_features_are_the_same_on_every_machine_and_of_every_size():
    features = random_features(drawn(range(3)))
    assert features.shape == (3, WIDTH)
    torch.testing.assert_close(features, random_features(drawn(range(3))), rtol=0, atol=0)
    assert random_features(drawn(range(0))).shape == (0, WIDTH)
    assert not torch.equal(features, random_features(drawn(range(3)), seed=1))


def test_the_reference_has_mean_zero_and_spread_one():
    base, other = standardise(cloud(50, shift=3.0), cloud(20))
    torch.testing.assert_close(base.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(base.std(0), torch.ones(6), atol=1e-5, rtol=0)
    assert other.mean() < -2
