import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lowdiff.evaluation.distribution import kernels, kid, mind, transport_to
from lowdiff.evaluation.features import WIDTH, random_features, standardise
from lowdiff.evaluation.manifold import inside, precision
from tests.evaluation.clouds import cloud
from tests.evaluation.pictures import blurred, drawn, noise


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


def test_kid_is_that_of_torchmetrics_on_the_same_features():
    metrics = pytest.importorskip("torchmetrics.image.kid")
    real, drawn = cloud(40, width=8), cloud(40, shift=0.4, seed=1, width=8)
    # over all samples there is but one subset, so both have one value
    ours = kid(drawn, real)
    theirs = metrics.poly_mmd(real.double(), drawn.double())
    assert ours == pytest.approx(float(theirs), rel=1e-9)


def test_kid_and_precision_are_those_of_torch_fidelity_on_the_same_features():
    try:
        import torch_fidelity  # noqa: F401
    except (ImportError, RuntimeError) as error:  # its torchvision was built for another torch
        pytest.skip(str(error))
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, prc_features_to_metric

    real, drawn = cloud(60, width=8).double(), cloud(60, shift=0.4, seed=1, width=8).double()
    theirs = kid_features_to_metric(
        drawn, real, kid_subsets=1, kid_subset_size=60, rng_seed=0, verbose=False
    )
    assert kid(drawn, real) == pytest.approx(theirs[KEY_METRIC_KID_MEAN], rel=1e-9)
    prc = prc_features_to_metric(
        drawn, real, prc_neighborhood=5, prc_batch_size=100, save_cpu_ram=False, verbose=False
    )
    assert precision(inside(real, drawn)) == pytest.approx(prc[KEY_METRIC_PRECISION], abs=1e-6)


def test_mind_in_one_direction_is_the_transport_of_scipy():
    one, two = cloud(23, width=1), cloud(17, shift=0.5, seed=3, width=1)
    from scipy.optimize import linear_sum_assignment

    # as many copies of each as make the masses equal, then the cheapest assignment
    many, others = one.repeat(17, 1).double(), two.repeat(23, 1).double()
    cost = (many - others.T).square().numpy()
    rows, columns = linear_sum_assignment(cost)
    assert mind(one, two, directions=1) == pytest.approx(3 * cost[rows, columns].mean(), rel=1e-9)


def test_a_prepared_reference_says_the_same():
    reference, drawn = cloud(50), cloud(20, shift=0.3, seed=2)
    prepared = transport_to(reference, 20)
    assert prepared.mind(drawn) == pytest.approx(mind(drawn, reference), rel=1e-12)
    assert prepared.of_projected(prepared.project(drawn)) == prepared.mind(drawn)


def test_the_spread_over_subsets_falls_with_the_number_of_samples():
    small, large = (kernels(cloud(n, seed=1), cloud(n, seed=2)).spread() for n in (20, 200))
    assert 0 < large < small
    assert kernels(cloud(3), cloud(3, seed=1)).spread() == 0.0


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
