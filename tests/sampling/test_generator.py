import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from lowdiff.errors import ContractError, InputError
from lowdiff.sampling.generator import Generator
from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.noise import noise_of, slerp
from lowdiff.sampling.pictures import to_uint8
from lowdiff.sampling.samplers import SAMPLERS
from lowdiff.sampling.settings import Sampling

QUICK = Sampling(steps=3)


@pytest.fixture(scope="module")
def generator(lab) -> Generator:
    return load_generator(lab.unet_run.folder, lab.vae_run.folder, device="cpu")


def pixels(pictures) -> np.ndarray:
    return np.stack([np.asarray(picture) for picture in pictures]).astype(int)


def test_the_same_prompt_and_seed_give_the_same_picture(generator):
    first = generator.generate(["a raccoon"] * 2, seeds=[3, 4], how=QUICK)
    second = generator.generate(["a raccoon"] * 2, seeds=[3, 4], how=QUICK)
    assert (pixels(first) == pixels(second)).all()
    assert (pixels(first)[0] != pixels(first)[1]).any()


def test_a_picture_does_not_depend_on_its_batch(generator):
    prompts, seeds = ["a raccoon", "a red circle", "a blue square"], [1, 2, 3]
    together = pixels(generator.generate(prompts, seeds=seeds, how=QUICK))
    told = []
    alone = pixels(
        generator.generate(prompts, seeds=seeds, how=QUICK, batch_size=1, advance=told.append)
    )
    assert told == [1, 1, 1]
    # bfloat16 sums differ a little with the shape of the batch
    assert abs(together - alone).max() <= 8


@pytest.mark.parametrize(
    ("size_px", "size"), [(16, (16, 16)), (50, (50, 50)), ((48, 20), (48, 20)), (None, (32, 32))]
)
def test_pictures_have_the_asked_size(generator, size_px, size: tuple[int, int]):
    how = Sampling(steps=1)
    (picture,) = generator.generate(["a circle"], seeds=[0], how=how, size_px=size_px)
    assert (picture.size, picture.mode) == (size, "RGB")


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_draws(generator, name: str):
    how = Sampling(name, steps=4, eta=0.5)
    first, second = (generator.generate(["a circle"], seeds=[0], how=how) for _ in range(2))
    assert (pixels(first) == pixels(second)).all()


def test_it_knows_where_it_comes_from(generator, lab):
    assert generator.run_id == lab.unet_run.run_id
    assert generator.dataset_digest == lab.version.digest
    assert generator.image_px == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"sampler": "magic"}, "heun"),
        ({"guidance": -1}, "guidance"),
        ({"eta": 1.5}, "eta"),
        ({"rescale": float("nan")}, "rescale"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, message: str):
    with pytest.raises(InputError, match=message):
        Sampling(**change)


def test_a_size_out_of_range_is_refused(generator):
    with pytest.raises(InputError, match="8 to 4096"):
        generator.generate(["a circle"], seeds=[0], how=QUICK, size_px=(64, 4))


def test_every_prompt_needs_a_seed(generator):
    with pytest.raises(InputError, match="one seed each"):
        generator.generate(["a circle"], seeds=[0, 1], how=QUICK)


def test_a_prompt_that_is_too_long_is_named(generator):
    long = "a raccoon " * 200
    assert generator.too_long(["a circle", long, long]) == [long]


def test_a_run_of_an_earlier_version_still_draws_the_same(generator, lab, tmp_path: Path):
    """Its config names the objective with two numbers, no architecture, and fewer fields."""
    old = tmp_path / lab.unet_run.run_id
    shutil.copytree(lab.unet_run.folder, old)
    config = json.loads((old / "config.json").read_text())
    config |= {"objective": "flow", "time_mean": 0.0, "time_std": 1.0}
    for name in ("arch", "buckets", "augment", "inpaint", "shuffled_caption"):
        config.pop(name, None)
    for name in ("text_layers", "extra_channels"):
        config["model"].pop(name)
    (old / "config.json").write_text(json.dumps(config))
    found = load_generator(old, lab.vae_run.folder, device="cpu")
    assert found.objective == generator.objective
    pair = [one.generate(["a circle"], seeds=[4], how=QUICK) for one in (found, generator)]
    assert (pixels(pair[0]) == pixels(pair[1])).all()


def test_no_prompts_are_no_pictures(generator):
    assert generator.generate([], seeds=[]) == []


def test_the_autoencoder_of_another_run_is_refused(lab):
    other = lab.vae(seed=5)
    with pytest.raises(ContractError, match="another autoencoder"):
        load_generator(lab.unet_run.folder, other.folder, device="cpu")


def test_noise_belongs_to_the_seed():
    rows = noise_of([7, 8, 7], (4, 2, 2))
    assert torch.equal(rows[0], rows[2])
    assert not torch.equal(rows[0], rows[1])


def test_bytes_reach_both_ends():
    images = torch.tensor([-1.0, 0.0, 1.0, 2.0]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    assert to_uint8(images)[0, :, :, 0].flatten().tolist() == [0, 128, 255, 255]


def test_between_two_noises_lies_noise_of_unit_scale():
    first, last = noise_of([0, 1], (4, 32, 32))
    torch.testing.assert_close(slerp(first, last, 0.0), first)
    torch.testing.assert_close(slerp(first, last, 1.0), last)
    assert float(slerp(first, last, 0.5).std()) == pytest.approx(1, abs=0.03)
    assert float(torch.lerp(first, last, 0.5).std()) < 0.8
    torch.testing.assert_close(slerp(first, first, 0.3), first)
