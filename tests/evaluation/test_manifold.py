import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from lowdiff.evaluation.manifold import coverage, density, inside, parts_inside, precision
from tests.evaluation.clouds import cloud


def test_it_agrees_with_nearest_neighbours_of_scikit_learn():
    real, drawn = cloud(60, seed=1), cloud(40, shift=0.7, seed=2)
    radius = NearestNeighbors(n_neighbors=6).fit(real).kneighbors(real)[0][:, 5]
    reached = NearestNeighbors(n_neighbors=1).fit(drawn).kneighbors(real)[0][:, 0] < radius
    within = inside(real, drawn)
    assert coverage(within) == pytest.approx(reached.mean())
    apart = torch.cdist(drawn.double(), real.double()).numpy()
    assert density(within) == pytest.approx((apart < radius).sum(1).mean() / 5)
    assert precision(within) == pytest.approx((apart < radius).any(1).mean())


@given(st.integers(12, 40), st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_drawings_that_are_the_real_images_reach_all_of_them(count, seed):
    real = cloud(count, seed=seed)
    assert coverage(inside(real, real)) == 1.0


def test_one_drawing_many_times_covers_little_however_precise_it_is():
    real = cloud(100)
    within = inside(real, real[:1].repeat(100, 1))
    assert coverage(within) < 0.3
    assert precision(within) == 1.0


def test_drawings_far_away_reach_nothing():
    within = inside(cloud(50), cloud(20, shift=50))
    assert (coverage(within), density(within)) == (0.0, 0.0)


def test_a_large_real_set_is_cut_into_parts_of_as_many_as_are_drawn():
    within = parts_inside(cloud(100), cloud(30, seed=4))
    assert within.shape == (3, 30, 30)
    assert parts_inside(cloud(10), cloud(30, seed=4)).shape == (1, 10, 30)


def test_one_real_image_has_no_neighbourhood():
    with pytest.raises(ValueError, match="2 real images"):
        inside(cloud(1), cloud(3))
