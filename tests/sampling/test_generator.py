import numpy as np
import pytest
import torch

from lowdiff.errors import ContractError, InputError
from lowdiff.sampling.generator import Generator, load_generator, noise_of, to_uint8


@pytest.fixture(scope="module")
def generator(lab) -> Generator:
    return load_generator(lab.unet_run.folder, lab.vae_run.folder, device="cpu")


def pixels(pictures) -> np.ndarray:
    return np.stack([np.asarray(picture) for picture in pictures]).astype(int)


def test_the_same_prompt_and_seed_give_the_same_picture(generator):
    first = generator.generate(["a raccoon"] * 2, seeds=[3, 4], steps=3)
    second = generator.generate(["a raccoon"] * 2, seeds=[3, 4], steps=3)
    assert (pixels(first) == pixels(second)).all()
    assert (pixels(first)[0] != pixels(first)[1]).any()


def test_a_picture_does_not_depend_on_its_batch(generator):
    prompts, seeds = ["a raccoon", "a red circle", "a blue square"], [1, 2, 3]
    together = pixels(generator.generate(prompts, seeds=seeds, steps=3))
    told = []
    alone = pixels(
        generator.generate(prompts, seeds=seeds, steps=3, batch_size=1, advance=told.append)
    )
    assert told == [1, 1, 1]
    # bfloat16 sums differ a little with the shape of the batch
    assert abs(together - alone).max() <= 8


@pytest.mark.parametrize("size_px", [16, 32, 50])
def test_pictures_have_the_asked_size(generator, size_px: int):
    (picture,) = generator.generate(["a circle"], seeds=[0], steps=1, size_px=size_px)
    assert (picture.size, picture.mode) == ((size_px, size_px), "RGB")


def test_it_knows_where_it_comes_from(generator, lab):
    assert generator.run_id == lab.unet_run.run_id
    assert generator.dataset_digest == lab.version.digest
    assert generator.image_px == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [1, 2]}, "one seed per prompt"),
        ({"steps": 0}, "steps"),
        ({"sampler": "magic"}, "heun"),
        ({"size_px": 4}, "8 to 4096"),
    ],
)
def test_a_setting_out_of_range_is_refused(generator, change, message: str):
    with pytest.raises(InputError, match=message):
        generator.generate(["a circle"], **({"seeds": [0], "steps": 1} | change))


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
