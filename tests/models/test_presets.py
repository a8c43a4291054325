import json
from dataclasses import asdict, replace

import pytest
import torch

from lowdiff.errors import InputError
from lowdiff.models.configs import from_json
from lowdiff.models.presets import PRESETS, load_preset
from lowdiff.models.unet import Unet, UnetConfig
from lowdiff.models.vae import Vae, VaeConfig


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_whole(name: str):
    preset = load_preset(name)
    assert preset.name == name
    assert preset.image_px % preset.vae.model.factor == 0
    assert preset.unet.model.latent_channels == preset.vae.model.latent_channels
    with torch.device("meta"):
        Vae(preset.vae.model)
        Unet(preset.unet.model)


@pytest.mark.parametrize("name", PRESETS)
def test_the_shape_of_a_model_survives_json(name: str):
    preset = load_preset(name)
    for kind, model in ((VaeConfig, preset.vae.model), (UnetConfig, preset.unet.model)):
        assert from_json(kind, json.loads(json.dumps(asdict(model))), item="a run") == model


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="demo"):
        load_preset("huge")


def test_a_checkpoint_between_two_log_points_is_refused():
    with pytest.raises(ValueError, match="multiple of log_every"):
        replace(load_preset("tiny").unet.train, checkpoint_every=3)
