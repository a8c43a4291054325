import math

import pytest
import torch

from lowdiff.models.vae import Block, Vae, VaeConfig, kl_per_pixel, psnr_db

SMALL = VaeConfig(channels=(16, 32), encoder_blocks=(1, 1), decoder_blocks=(1, 1))


def new_vae(config: VaeConfig = SMALL) -> Vae:
    torch.manual_seed(0)
    return Vae(config).eval()


def test_a_new_block_is_the_identity():
    x = torch.randn(2, 16, 8, 8)
    assert torch.equal(Block(16)(x), x)


@torch.no_grad()
def test_decoding_normalised_latents_is_the_autoencoders_own_reconstruction():
    vae, images = new_vae(), torch.rand(2, 3, 32, 32) * 2 - 1
    own = vae.raw_decode(vae.raw_moments(images)[0]).clamp(-1, 1)
    vae.set_latent_statistics(torch.tensor([1.0, -2, 0.5, 3]), torch.tensor([0.1, 2, 1, 5]))
    torch.testing.assert_close(vae.decode(vae.encode(images)), own, atol=1e-5, rtol=0)


@torch.no_grad()
def test_normalisation_scales_mean_and_deviation_of_the_posterior():
    vae, images = new_vae(), torch.rand(1, 3, 16, 16) * 2 - 1
    plain = vae.posterior(images)
    vae.set_latent_statistics(torch.full((4,), 3.0), torch.full((4,), 2.0))
    scaled = vae.posterior(images)
    torch.testing.assert_close(scaled.mean, (plain.mean - 3) / 2)
    torch.testing.assert_close(scaled.std, plain.std / 2)


@pytest.mark.parametrize("size", [(4, 4), (12, 20), (64, 64), (30, 33), (1, 5)])
@torch.no_grad()
def test_any_size_goes_in_and_comes_out(size: tuple[int, int]):
    vae, images = new_vae(), torch.rand(1, 3, *size) * 2 - 1
    latents = vae.encode(images)
    assert latents.shape == (1, 4, math.ceil(size[0] / 4), math.ceil(size[1] / 4))
    assert vae.decode(latents, size_px=size).shape == images.shape


@torch.no_grad()
def test_an_image_does_not_depend_on_its_neighbours_in_a_batch():
    vae, images = new_vae(), torch.rand(3, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(vae.encode(images)[1:2], vae.encode(images[1:2]))


def test_the_statistics_travel_with_the_weights():
    vae = new_vae()
    vae.set_latent_statistics(torch.full((4,), 7.0), torch.full((4,), 2.0))
    other = Vae(SMALL)
    other.load_state_dict(vae.state_dict())
    assert torch.equal(other.latent_mean, vae.latent_mean)


def test_kl_is_that_of_two_gaussians_per_pixel_value():
    mean, log_variance = torch.randn(3, 4, 2, 2), torch.randn(3, 4, 2, 2)
    belief = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    unit = torch.distributions.Normal(0.0, 1.0)
    nats = torch.distributions.kl_divergence(belief, unit).sum() / 3
    torch.testing.assert_close(kl_per_pixel(mean, log_variance, pixel_values=192), nats / 192)


def test_psnr_of_a_known_error():
    black = torch.full((1, 3, 4, 4), -1.0)
    off_by_a_tenth = black + 0.2  # a tenth of the range [-1, 1]
    assert float(psnr_db(black, off_by_a_tenth)) == pytest.approx(20, abs=1e-3)
