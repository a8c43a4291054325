import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lowdiff.evaluation.retrieval import chance, retrieval


@given(st.integers(1, 40))
def test_identity_features_always_find_their_own(n):
    found = retrieval(torch.eye(n))
    assert (found.top1, found.top10, found.mrr) == (1.0, 1.0, 1.0)


@given(st.integers(12, 60))
@settings(deadline=None)
def test_random_similarities_are_at_chance(n):
    generator = torch.Generator().manual_seed(n)
    scores = [retrieval(torch.rand(n, n, generator=generator)) for _ in range(200)]
    expected = chance(n)
    for name in ("top1", "top5", "top10", "mrr"):
        mean = sum(getattr(score, name) for score in scores) / 200
        assert mean == pytest.approx(getattr(expected, name), abs=0.05)


def test_who_cannot_tell_is_in_the_middle_not_first():
    found = retrieval(torch.zeros(21, 21))
    assert (found.top1, found.top10) == (0.0, 0.0)
    assert found.mrr == pytest.approx(1 / 11)


def test_the_worst_is_last():
    n = 5
    found = retrieval(1 - torch.eye(n) + torch.rand(n, n) * 1e-3)
    assert found.top1 == 0
    assert found.mrr == pytest.approx(1 / n)


def test_chance_is_a_closed_form():
    assert chance(2).mrr == pytest.approx(0.75)
    assert chance(4).top10 == 1.0
    assert chance(100).top10 == pytest.approx(0.1)
    assert chance(0).n == retrieval(torch.zeros(0, 0)).n == 0
