import pytest
import torch

from lowdiff.errors import InputError
from lowdiff.models.autoencoders import AUTOENCODERS, build_autoencoder
from lowdiff.models.denoisers import DENOISERS, build_denoiser
from lowdiff.models.presets import load_preset
from lowdiff.models.variants import with_autoencoder, with_denoiser, with_text


@pytest.mark.parametrize("arch", sorted(DENOISERS.keys() - {"diffusers"}))
@pytest.mark.parametrize("name", ["demo", "base256", "article"])
def test_every_denoiser_goes_with_every_preset(name: str, arch: str):
    preset = with_denoiser(load_preset(name), arch)
    with torch.device("meta"):
        denoiser = build_denoiser(preset.unet.arch, preset.unet.model)
    assert sum(parameter.numel() for parameter in denoiser.parameters()) > 1e6
    assert with_denoiser(preset, arch) == preset


@pytest.mark.parametrize("arch", sorted(AUTOENCODERS.keys() - {"diffusers"}))
def test_every_autoencoder_goes_with_a_preset(arch: str):
    preset = with_autoencoder(load_preset("demo"), arch=arch, latent_channels=6)
    assert preset.vae.arch == arch
    with torch.device("meta"):
        vae = build_autoencoder(arch, preset.vae.model)
    assert vae.config.latent_channels == 6


def test_more_channels_leave_the_rest_of_an_autoencoder_as_it_is():
    demo = load_preset("demo").vae.model
    wide = with_autoencoder(load_preset("demo"), latent_channels=8).vae.model
    assert (wide.channels, wide.latent_channels) == (demo.channels, 8)
    assert with_autoencoder(load_preset("demo"), factor=8).vae.model.factor == 8


def test_an_encoder_that_spells_comes_with_layers_that_read():
    demo = load_preset("demo")
    assert with_text(demo, "minilm+bytes").unet.model.text_layers == 2
    assert with_text(demo, "tfidf:64").unet.model.text_layers == 0


def test_what_is_not_known_is_refused():
    demo = load_preset("demo")
    with pytest.raises(InputError, match="denoiser bigger"):
        with_denoiser(demo, "bigger")
    with pytest.raises(InputError, match="text encoder word2vec"):
        with_text(demo, "word2vec")
    with pytest.raises(InputError, match="factor"):
        with_autoencoder(demo, factor=5)
