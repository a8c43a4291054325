import numpy as np
import pytest

from lowdiff.evaluation.edges import edge_f1
from tests.evaluation.pictures import blurred, drawn


def test_a_picture_keeps_its_own_edges_and_a_shift_of_one_pixel_too():
    pictures = drawn(range(6))
    assert edge_f1(pictures, pictures).tolist() == pytest.approx([1.0] * 6)
    moved = np.roll(pictures, 1, axis=2)
    assert float(edge_f1(pictures, moved).min()) > 0.85
    assert float(edge_f1(pictures, np.roll(pictures, 6, axis=2)).max()) < 0.8


def test_blur_costs_edges_and_a_flat_picture_has_none_left():
    pictures = drawn(range(6))
    flat = np.full_like(pictures, 255)
    assert float(edge_f1(pictures, flat).max()) == 0.0
    assert float(edge_f1(flat, flat).min()) == 1.0
    assert float(edge_f1(pictures, blurred(pictures)).mean()) < 0.8


def test_it_is_symmetric():
    one, two = drawn(range(5)), blurred(drawn(range(5)))
    assert edge_f1(one, two).tolist() == pytest.approx(edge_f1(two, one).tolist())
