from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.models.denoisers import build_denoiser
from lowdiff.models.unet import UnetConfig
from lowdiff.sampling.generator import Generator
from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.pictures import to_pictures, to_tensor
from lowdiff.sampling.settings import Sampling
from tests.training.drawn import draw

HOW = Sampling("euler", steps=4)


@pytest.fixture(scope="module")
def generator(lab) -> Generator:
    return load_generator(lab.unet_run.folder, lab.vae_run.folder, device="cpu")


@pytest.fixture
def fox() -> Image.Image:
    return draw("triangle", (220, 120, 20), 20, size_px=32)


def hole(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    mask.paste(255, box)
    return mask


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def test_no_strength_returns_what_the_autoencoder_makes_of_the_picture(generator, fox):
    (found,) = generator.edit(fox, ["a raccoon"], seeds=[1], strength=0, how=HOW)
    decoded = generator.decode(generator.encode(fox, (32, 32)), (32, 32))
    assert (pixels(found) == pixels(to_pictures(decoded)[0])).all()


def test_seeds_vary_a_picture(generator, fox):
    first, second = generator.edit(fox, ["", ""], seeds=[1, 2], strength=0.5, how=HOW)
    assert (pixels(first) != pixels(second)).any()


@pytest.mark.parametrize(
    ("size", "asked", "found"),
    [((64, 64), None, (32, 32)), ((80, 40), None, (44, 24)), ((80, 40), (40, 20), (40, 20))],
)
def test_an_edit_keeps_the_shape_at_the_trained_area(generator, size, asked, found):
    picture = Image.new("RGB", size, (200, 30, 30))
    (edited,) = generator.edit(picture, ["a circle"], seeds=[0], how=HOW, size_px=asked)
    assert edited.size == found


@pytest.mark.parametrize("size", [(32, 32), (57, 41)])
def test_what_is_known_stays_pixel_by_pixel(generator, size):
    noisy = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture, mask = Image.fromarray(noisy), hole(size, (5, 8, 25, 30))
    (found,) = generator.inpaint(picture, mask, ["a circle"], seeds=[0], how=HOW)
    inside = np.asarray(mask) > 0
    difference = np.abs(pixels(found) - noisy)
    assert difference[~inside].max() == 0
    assert difference[inside].max() > 0


def test_a_hole_over_everything_is_a_picture_from_noise(generator, fox):
    whole = hole((32, 32), (0, 0, 32, 32))
    how = replace(HOW, sampler="heun")
    (found,) = generator.inpaint(fox, whole, ["a circle"], seeds=[3], rounds=1, how=how)
    (plain,) = generator.generate(["a circle"], seeds=[3], how=how)
    assert np.abs(pixels(found) - pixels(plain)).max() <= 8  # bfloat16


def test_both_ends_of_a_walk_are_the_pictures_of_their_prompts(generator):
    prompts, seeds = ("a red circle", "a blue square"), (3, 9)
    walk = generator.interpolate(prompts, seeds=seeds, frames=3, how=HOW)
    ends = generator.generate(prompts, seeds=seeds, how=HOW)
    assert len(walk) == 3
    for found, wanted in ((walk[0], ends[0]), (walk[2], ends[1])):
        assert np.abs(pixels(found) - pixels(wanted)).max() <= 8  # bfloat16
    assert (pixels(walk[1]) != pixels(walk[0])).any()


def test_a_walk_needs_two_ends(generator):
    with pytest.raises(InputError, match="2 or more"):
        generator.interpolate(("a", "b"), seeds=(0, 1), frames=1)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_out_of_range_is_refused(generator, fox, strength: float):
    with pytest.raises(InputError, match="0 to 1"):
        generator.edit(fox, [""], seeds=[0], strength=strength)


@pytest.fixture(scope="module")
def told(generator) -> Generator:
    """The same model with channels for a hole and its surroundings, as it starts."""
    config = generator.unet.config
    assert isinstance(config, UnetConfig)
    more = replace(config, extra_channels=1 + config.latent_channels)
    torch.manual_seed(0)
    unet = build_denoiser("unet", more)
    state = dict(generator.unet.state_dict())
    weight = torch.zeros_like(unet.state_dict()["conv_in.weight"])
    weight[:, : config.latent_channels] = state["conv_in.weight"]
    unet.load_state_dict({**state, "conv_in.weight": weight})
    return replace(generator, unet=unet.eval(), told_of_holes=True)


def test_a_model_that_is_told_of_holes_starts_as_the_one_that_is_not(generator, told, fox):
    mask = hole((32, 32), (8, 8, 24, 24))
    for one in ("generate", "inpaint"):
        made = [
            model.generate(["a circle"], seeds=[2], how=HOW)
            if one == "generate"
            else model.inpaint(fox, mask, ["a circle"], seeds=[2], rounds=1, how=HOW)
            for model in (generator, told)
        ]
        assert np.abs(pixels(made[0][0]) - pixels(made[1][0])).max() <= 8  # bfloat16


def test_a_model_that_knows_of_holes_can_be_asked_without_one(generator, told):
    x, t = torch.randn(2, 4, 8, 8), torch.tensor([0.2, 0.9])
    text = generator.encoder.encode(["a circle", "a square"])[0]
    with torch.no_grad():
        torch.testing.assert_close(told.plain(x)(x, t, text), generator.plain(x)(x, t, text))
        torch.testing.assert_close(generator.plain(x)(x, t, text), generator.unet(x, t, text))


def test_a_model_is_told_the_hole_and_what_is_around_it(told, fox):
    seen = []

    class Spy(torch.nn.Module):
        config = told.unet.config

        def forward(self, x, t, text):
            seen.append(x[:1, 4:])
            return torch.zeros_like(x[:, :4])

    spy = replace(told, unet=Spy())
    spy.inpaint(fox, hole((32, 32), (8, 8, 24, 24)), ["a circle"], seeds=[2], how=HOW)
    latents = told.encode(fox, (32, 32))
    inside, around = seen[0][:, :1], seen[0][:, 1:]
    expected = torch.zeros(1, 1, *latents.shape[-2:])
    quarter = latents.shape[-1] // 4
    expected[..., quarter : 3 * quarter, quarter : 3 * quarter] = 1
    assert torch.equal(inside, expected)
    torch.testing.assert_close(around, latents * (1 - inside))


def test_a_picture_survives_the_way_to_the_model_and_back(fox):
    assert (pixels(to_pictures(to_tensor(fox, (32, 32)))[0]) == pixels(fox)).all()
