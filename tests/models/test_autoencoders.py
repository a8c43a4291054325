import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from lowdiff.errors import ContractError, InputError
from lowdiff.models.autoencoders import (
    AUTOENCODERS,
    Size,
    build_autoencoder,
    find_autoencoder,
    sized_autoencoder,
)
from lowdiff.models.linear_vae import LinearConfig, LinearVae
from lowdiff.models.losses.vae import VaeLoss
from lowdiff.models.plain_vae import PlainAutoencoder
from lowdiff.models.vae import Vae, VaeConfig, psnr_db


@pytest.fixture(params=sorted(AUTOENCODERS))
def arch(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "diffusers":
        pytest.importorskip("diffusers")
    return name


def small(arch: str, *, factor: int = 4, latent_channels: int = 4, image_px: int = 32) -> Vae:
    torch.manual_seed(0)
    config = sized_autoencoder(arch, Size(factor, latent_channels, 16, image_px))
    return build_autoencoder(arch, config).eval()


@torch.no_grad()
def test_images_go_in_and_come_out_at_their_size_and_in_range(arch: str):
    vae, images = small(arch), torch.rand(2, 3, 30, 26) * 2 - 1
    vae.set_latent_statistics(torch.full((4,), 0.5), torch.full((4,), 2.0))
    latents = vae.encode(images)
    assert latents.shape[1:] == (4, *vae.latent_size(30, 26))
    redrawn = vae.decode(latents, size_px=(30, 26))
    assert redrawn.shape == images.shape
    assert redrawn.abs().max() <= 1


@torch.no_grad()
def test_latents_are_normalised_by_what_the_checkpoint_holds(arch: str):
    vae, images = small(arch), torch.rand(2, 3, 32, 32) * 2 - 1
    plain = vae.posterior(images)
    mean, std = torch.tensor([1.0, 2, 3, 4]), torch.tensor([0.5, 1, 2, 4])
    vae.set_latent_statistics(mean, std)
    other = small(arch)
    other.load_state_dict(vae.state_dict())
    scaled = other.posterior(images)
    per_channel = (slice(None), None, None)
    torch.testing.assert_close(
        scaled.mean, (plain.mean - mean[per_channel]) / std[per_channel], atol=1e-4, rtol=1e-4
    )
    torch.testing.assert_close(scaled.std, plain.std / std[per_channel])


def test_a_shape_survives_the_way_through_json(arch: str):
    kind = find_autoencoder(arch)
    config = kind.sized(Size(8, 6, 16, 64))
    told = json.loads(json.dumps(asdict(config)))  # type: ignore[call-overload]
    assert build_autoencoder(arch, told).config == config


@pytest.mark.parametrize("latent_channels", [3, 16])
@pytest.mark.parametrize("factor", [4, 8, 16])
def test_a_convolutional_one_has_the_factor_and_the_channels_that_were_asked_for(
    factor: int, latent_channels: int
):
    vae = small("conv", factor=factor, latent_channels=latent_channels)
    with torch.no_grad():
        assert vae.encode(torch.zeros(1, 3, 64, 48)).shape == (
            1, latent_channels, 64 // factor, 48 // factor,
        )  # fmt: skip
    assert vae.config.factor == factor
    # nothing runs at full resolution
    seen = []
    for module in vae.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda _m, _a, out: seen.append(out.shape[-1]))
    with torch.no_grad():
        vae.decode(vae.encode(torch.zeros(1, 3, 64, 64)))
    assert max(seen) == 64 // (4 if factor == 16 else 2)


@pytest.mark.parametrize(("image_px", "side"), [(64, 32), (800, 32), (800, 64), (100, 32)])
@torch.no_grad()
def test_the_storys_latents_have_one_size_for_every_image(image_px: int, side: int):
    halvings = 3 if image_px <= 100 else 6
    config = LinearConfig(image_px=image_px, latent_side=side, channels=(2,) * halvings)
    vae = LinearVae(config)
    for height, width in ((image_px, image_px), (image_px - 7, image_px // 2)):
        latents = vae.encode(torch.zeros(1, 3, height, width))
        assert latents.shape == (1, 3, side, side)
        assert vae.decode(latents, size_px=(height, width)).shape == (1, 3, height, width)
    with pytest.raises(ValueError, match=f"of {image_px} px at most"):
        vae.encode(torch.zeros(1, 3, image_px + 1, 8))


@torch.no_grad()
def test_every_pixel_of_the_storys_design_speaks_to_every_latent():
    torch.manual_seed(0)
    vae = LinearVae(LinearConfig(image_px=16, latent_side=4, channels=(4, 4)))
    images = torch.rand(1, 3, 16, 16)
    changed = images.clone()
    changed[..., :4, :4] += 0.5
    assert (vae.encode(images) != vae.encode(changed)).float().mean() > 0.95


def test_a_plain_one_is_certain_and_has_no_kl_term():
    torch.manual_seed(0)
    config = VaeConfig(channels=(16, 16), encoder_blocks=(1, 1), decoder_blocks=(1, 1))
    plain, images = PlainAutoencoder(config), torch.rand(2, 3, 16, 16)
    assert plain.posterior(images).std.max() < 1e-4
    noise = torch.randn(2, 4, 4, 4)
    for weights in ({"mse": 1.0}, {"mse": 1.0, "kl": 100.0}):
        loss = VaeLoss(weights)(plain, images, noise)
        mean, _ = plain.raw_moments(images)
        torch.testing.assert_close(loss, (plain.raw_decode(mean) - images).square().mean())


def test_an_autoencoder_of_diffusers_comes_with_its_weights(tmp_path: Path):
    diffusers = pytest.importorskip("diffusers")
    from lowdiff.models.diffusers_vae import pretrained_vae

    torch.manual_seed(0)
    images = torch.rand(1, 3, 16, 16) * 2 - 1
    large = diffusers.AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, latent_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    ).eval()  # fmt: skip
    tiny = diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8, 8), decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1), latent_channels=4,
    ).eval()  # fmt: skip
    for theirs in (large, tiny):
        folder = tmp_path / type(theirs).__name__
        theirs.save_pretrained(folder)
        ours = pretrained_vae(folder).eval()
        with torch.no_grad():
            if theirs is large:
                wanted = theirs.encode(images).latent_dist
                mean, log_variance = ours.raw_moments(images)
                torch.testing.assert_close(mean, wanted.mean)
                torch.testing.assert_close(log_variance, wanted.logvar)
            else:
                mean, _ = ours.raw_moments(images)
                torch.testing.assert_close(mean, theirs.encode(images).latents)
            torch.testing.assert_close(ours.raw_decode(mean), theirs.decode(mean).sample)
        assert ours.variational == (theirs is large)
    with pytest.raises(InputError, match="no autoencoder of diffusers"):
        pretrained_vae(tmp_path)


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(InputError, match=r"autoencoder vq: is not known.*conv"):
        find_autoencoder("vq")
    with pytest.raises(ContractError, match="LinearConfig was written by another version"):
        build_autoencoder("linear", {"channels": [16], "patch": 2})
    for bad, told in ((Size(5, 4, 16, 64), "factor"), (Size(4, 0, 16, 64), "latent channels")):
        with pytest.raises(InputError, match=told):
            sized_autoencoder("conv", bad)


@pytest.mark.nightly
def test_each_autoencoder_learns_eight_images_by_heart(arch: str):
    torch.manual_seed(0)
    vae = small(arch).train()
    coarse = torch.rand(8, 3, 4, 4) * 2 - 1
    images = torch.nn.functional.interpolate(coarse, (32, 32))
    terms = VaeLoss({"mse": 1.0, "kl": 1e-4})
    optimiser = torch.optim.AdamW(vae.parameters(), lr=3e-3)
    start = None
    for step in range(300):
        noise = torch.randn(8, 4, *vae.latent_size(32, 32))
        loss = terms(vae, images, noise)
        start = start or float(loss)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert step < 299 or float(loss) < 0.1 * start
    assert float(psnr_db(vae.eval().decode(vae.encode(images)), images).mean()) > 17
