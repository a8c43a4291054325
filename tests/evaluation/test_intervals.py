import pytest
import torch

from lowdiff.evaluation.distribution import kernels, kid, mind, transport_to
from lowdiff.evaluation.intervals import (
    coverage_interval,
    interval,
    kid_interval,
    mind_interval,
    share_interval,
)
from lowdiff.evaluation.manifold import coverage, parts_inside
from tests.evaluation.clouds import cloud


def test_the_interval_of_a_mean_is_about_two_standard_errors_wide():
    values = cloud(400, width=1)[:, 0].double()
    mean = float(values.mean())
    low, high = interval(mean, 400, lambda rows: float(values[rows].mean()))
    assert low < mean < high
    assert high - low == pytest.approx(4 * float(values.std()) / 20, rel=0.2)


def test_in_nineteen_of_twenty_worlds_the_interval_of_kid_holds_the_truth():
    reference = cloud(300, seed=999)
    truth = kid(cloud(2_000, shift=0.3, seed=998), reference)
    held = 0
    for seed in range(40):
        drawn = cloud(60, shift=0.3, seed=seed)
        low, high = kid_interval(kid(drawn, reference), kernels(drawn, reference))
        held += low <= truth <= high
    assert held >= 33  # of 40; 38 are expected, fewer than 33 once in a thousand


def test_every_interval_lies_around_its_figure_and_narrows_with_more_drawings():
    reference = cloud(200, seed=3)
    widths = []
    for count in (20, 160):
        drawn = cloud(count, shift=0.5, seed=4)
        figure = mind(drawn, reference)
        low, high = mind_interval(figure, transport_to(reference, count), drawn)
        assert low < figure < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 1.5
    within = parts_inside(reference, cloud(40, shift=0.5, seed=4))
    low, high = coverage_interval(coverage(within), within)
    assert low < coverage(within) < high


def test_a_share_that_was_never_hit_may_still_be_a_few_percent():
    low, high = share_interval(torch.zeros(64, dtype=torch.bool))
    assert (low, high) == (0.0, pytest.approx(0.0566, abs=1e-4))
    assert share_interval(torch.zeros(0, dtype=torch.bool)) == (0.0, 1.0)
    assert share_interval(torch.ones(64, dtype=torch.bool))[1] == 1.0
