import numpy as np
import pytest
from PIL import Image

from lowdiff.evaluation.neighbours import nearest
from tests.evaluation.pictures import drawn, noise


def test_planted_copies_are_found_and_others_are_not():
    training = noise(50)
    copies = training[[3, 17, 40]].astype(int)
    recompressed = np.clip(copies + 4, 0, 255).astype(np.uint8)
    looked_at = np.concatenate([recompressed, noise(20, seed=9)])
    found = nearest(looked_at, training)
    assert found.index[:3].tolist() == [3, 17, 40]
    assert found.is_copy.tolist() == [True] * 3 + [False] * 20
    assert found.copy_rate == pytest.approx(3 / 23)


def test_an_exact_copy_is_at_no_distance():
    training = drawn(range(10))
    found = nearest(training, training)
    assert found.index.tolist() == list(range(10))
    assert found.distance.tolist() == [0.0] * 10
    assert found.copy_rate == 1.0


def test_distance_is_a_share_of_black_against_white():
    black, white = np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
    found = nearest(black, np.concatenate([white, white]))
    assert found.distance.tolist() == pytest.approx([1.0])
    assert found.ratio.tolist() == pytest.approx([1.0])


def test_size_does_not_matter():
    large = drawn(range(4), size_px=128)
    small = np.array([np.asarray(Image.fromarray(one).resize((32, 32))) for one in large])
    found = nearest(small, np.concatenate([drawn(range(20, 40), size_px=128), large]))
    assert found.index.tolist() == [20, 21, 22, 23]


def test_one_training_image_is_too_few():
    with pytest.raises(ValueError, match="2 training images"):
        nearest(drawn(range(2)), drawn(range(1)))
