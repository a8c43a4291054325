from pathlib import Path

import pytest
import torch

from lowdiff.errors import InputError
from lowdiff.evaluation.spaces import Space, open_spaces
from lowdiff.evaluation.tower import Pairs
from lowdiff.models.two_tower import TwoTower
from tests.evaluation.pictures import drawn


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    pixels = drawn(range(8))

    def open_named(*names: str) -> dict[str, Space]:
        spaces = open_spaces(
            names,
            taught=Pairs(pixels, torch.randn(8, 16)),
            dataset_digest="d",
            cache=cache,
            tower=TwoTower(16, channels=(8, 8, 8, 8)).eval(),
        )
        return {space.key: space for space in spaces}

    return open_named


def test_two_spaces_are_always_there_and_each_once(opened):
    assert list(opened()) == ["self", "random"]
    assert list(opened("tower", "self")) == ["self", "random", "tower"]


def test_every_space_gives_one_vector_an_image_and_none_for_none(opened):
    for space in opened("tower").values():
        assert space.embed(drawn(range(5))).shape[0] == 5
        assert space.embed(drawn(range(5))).isfinite().all()


def test_a_vision_model_from_a_folder_is_a_space(opened, tmp_path: Path):
    from transformers import Dinov2Config, Dinov2Model, ViTImageProcessor

    torch.manual_seed(0)
    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
    )
    Dinov2Model(config).save_pretrained(tmp_path / "dino")
    size = {"height": 28, "width": 28}
    ViTImageProcessor(size=size).save_pretrained(tmp_path / "dino")
    space = list(opened(f"hub:{tmp_path / 'dino'}").values())[-1]
    assert space.key.startswith("hub-")
    assert "." not in space.key
    found = space.embed(drawn(range(3)))
    assert found.shape == (3, 32)
    assert not torch.equal(found[0], found[1])


def test_a_space_that_is_not_known_is_refused(opened):
    with pytest.raises(InputError, match="hub:<model id or folder>"):
        opened("imagenet")
    with pytest.raises(InputError, match="cannot be loaded"):
        opened("hub:/no/such/folder")


def test_inception_says_what_it_needs_or_takes_weights_from_a_file(opened, tmp_path: Path):
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except (ImportError, RuntimeError):
        with pytest.raises(InputError, match=r"lowdiff\[eval\]"):
            opened("inception")
        return

    class Blank(FeatureExtractorInceptionV3):
        """Of the right shape, with no training."""

        def load_state_dict(self, *_args, **_options):
            return None

    torch.save({}, tmp_path / "nothing.pth")
    blank = Blank(
        "inception-v3-compat",
        ["2048"],
        feature_extractor_weights_path=str(tmp_path / "nothing.pth"),
    )
    torch.save(blank.state_dict(), tmp_path / "blank.pth")
    space = opened(f"inception:{tmp_path / 'blank.pth'}").popitem()[1]
    assert space.embed(drawn(range(2))).shape == (2, 2048)
    with pytest.raises(InputError, match="weights cannot be loaded"):
        opened(f"inception:{tmp_path / 'nothing.pth'}")
