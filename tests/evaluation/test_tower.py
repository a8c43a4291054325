import math

import numpy as np
import pytest
import torch

from lowdiff.evaluation.retrieval import retrieval
from lowdiff.evaluation.tower import Pairs, similarities, train_tower, trained_tower
from lowdiff.models.two_tower import TwoTower, info_nce
from tests.evaluation.pictures import drawn


def pairs(n: int = 24) -> Pairs:
    generator = torch.Generator().manual_seed(0)
    return Pairs(drawn(range(n)), torch.randn(n, 16, generator=generator))


def test_the_loss_of_a_blind_judge_is_the_logarithm_of_the_batch():
    assert float(info_nce(torch.zeros(8, 8))) == pytest.approx(math.log(8))


def test_the_loss_of_a_perfect_judge_is_nothing():
    assert float(info_nce(100 * torch.eye(8))) == pytest.approx(0, abs=1e-6)


def test_embeddings_have_length_one():
    tower = TwoTower(16, channels=(8, 8, 8, 8))
    images = tower.embed_images(torch.rand(3, 3, 32, 32))
    texts = tower.embed_texts(torch.rand(5, 16))
    torch.testing.assert_close(images.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(5))
    assert tower(torch.rand(3, 3, 64, 48), torch.rand(5, 16)).shape == (3, 5)


def test_a_trained_judge_finds_the_pairs_it_was_shown():
    shown = pairs()
    found = retrieval(similarities(train_tower(shown, steps=120), shown))
    assert found.top10 > 0.9
    assert found.mrr > 0.5


def test_training_is_repeatable_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one = train_tower(pairs(), steps=3)
    assert torch.rand(1) == expected
    two = train_tower(pairs(), steps=3)
    for first, second in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_the_judge_of_a_version_is_trained_once(tmp_path):
    shown = pairs(6)
    key = {"dataset_digest": "d", "text_version": "t", "cache": tmp_path}
    first = similarities(trained_tower(shown, **key), shown)
    empty = Pairs(np.zeros_like(shown.pixels), shown.features)
    second = similarities(trained_tower(empty, **key), shown)  # read, so the pixels do not matter
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert len(list((tmp_path / "two_tower").glob("*.safetensors"))) == 1
