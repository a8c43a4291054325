import json
from dataclasses import asdict, replace

import pytest
import torch

from lowdiff.errors import InputError
from lowdiff.models.autoencoders import build_autoencoder
from lowdiff.models.configs import from_json
from lowdiff.models.denoisers import build_denoiser
from lowdiff.models.presets import PRESETS, load_preset


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_whole(name: str):
    preset = load_preset(name)
    assert preset.name == name
    assert preset.image_px % preset.vae.model.factor == 0
    assert preset.unet.model.latent_channels == preset.vae.model.latent_channels
    with torch.device("meta"):
        vae = build_autoencoder(preset.vae.arch, preset.vae.model)
        build_denoiser(preset.unet.arch, preset.unet.model)
    assert vae.config.latent_channels == preset.unet.model.latent_channels


@pytest.mark.parametrize("name", PRESETS)
def test_the_shape_of_a_model_survives_json(name: str):
    preset = load_preset(name)
    for model in (preset.vae.model, preset.unet.model):
        told = json.loads(json.dumps(asdict(model)))
        assert from_json(type(model), told, item="a run") == model


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="demo"):
        load_preset("huge")


def test_a_checkpoint_between_two_log_points_is_refused():
    with pytest.raises(ValueError, match="multiple of log_every"):
        replace(load_preset("tiny").unet.train, checkpoint_every=3)
