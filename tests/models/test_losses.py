import pytest
import torch

from lowdiff.errors import ContractError, InputError
from lowdiff.models.losses.critic import Critic
from lowdiff.models.losses.crops import random_scale_crops
from lowdiff.models.losses.features import Lpips
from lowdiff.models.losses.pixels import bce, edge, gradient, ssim
from lowdiff.models.losses.vae import IMAGE_LOSSES, VaeLoss, scale_error
from lowdiff.models.vae import Vae, VaeConfig, kl_per_pixel

OFFLINE = sorted(IMAGE_LOSSES.keys() - {"lpips"})
SMALL = VaeConfig(channels=(16, 16), encoder_blocks=(1, 1), decoder_blocks=(1, 1))


def pictures(seed: int = 0, *, size: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")


@pytest.mark.parametrize("name", OFFLINE)
def test_a_loss_is_zero_for_equal_pictures_and_grows_with_the_error(name: str):
    loss, images, other = IMAGE_LOSSES[name](), pictures(), pictures(1)
    values = [float(loss(images + share * (other - images), images)) for share in (0, 0.3, 1)]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert 0 < values[1] < values[2]


@pytest.mark.parametrize("name", OFFLINE)
def test_a_loss_has_a_gradient_at_the_prediction_and_lowers_along_it(name: str):
    loss, target = IMAGE_LOSSES[name](), pictures()
    guess = pictures(1).requires_grad_()
    value = loss(guess, target)
    (slope,) = torch.autograd.grad(value, guess)
    assert slope.abs().sum() > 0
    step = 1e-2 * slope / slope.norm()
    assert float(loss((guess - step).detach(), target)) < float(value.detach())


def test_cross_entropy_is_that_of_probabilities_above_its_least():
    target, guess = torch.tensor([[[[0.2, 1.0, -0.6]]]]), torch.tensor([[[[0.5, 0.9, -0.8]]]])
    told, wanted = (guess + 1) / 2, (target + 1) / 2
    divergence = wanted * (wanted / told).log() + torch.special.xlogy(
        1 - wanted, (1 - wanted) / (1 - told)
    )
    torch.testing.assert_close(bce(guess, target), divergence.mean(), atol=1e-3, rtol=0)
    assert bce(torch.full_like(target, 3.0), target).isfinite()


def test_edges_do_not_mind_an_offset_and_wide_ones_count_at_every_scale():
    images = pictures()
    for loss in (edge, gradient):
        assert float(loss(images + 0.3, images)) == pytest.approx(0, abs=1e-6)
    # noise of one pixel vanishes at half size, a wide step does not
    checker = torch.ones(1, 3, 32, 32)
    checker[..., ::2, ::2] = checker[..., 1::2, 1::2] = -1
    step = torch.cat([torch.ones(1, 3, 32, 16), -torch.ones(1, 3, 32, 16)], dim=3)
    nothing = torch.zeros(1, 3, 32, 32)
    assert float(gradient(checker, nothing) / edge(checker, nothing)) == pytest.approx(1 / 3)
    assert float(gradient(step, nothing) / edge(step, nothing)) > 2


def test_structural_similarity_of_constant_pictures_has_a_closed_form():
    first, second = torch.full((1, 3, 16, 16), 0.5), torch.full((1, 3, 16, 16), 0.1)
    low = 0.02**2
    likeness = (2 * 0.5 * 0.1 + low) / (0.25 + 0.01 + low)
    assert float(ssim(first, second)) == pytest.approx(1 - likeness, abs=1e-5)


def test_random_features_are_the_same_in_every_run():
    images, other = pictures(), pictures(1)
    torch.manual_seed(1)
    first = IMAGE_LOSSES["random"]()(images, other)
    torch.manual_seed(2)
    assert torch.equal(IMAGE_LOSSES["random"]()(images, other), first)


def test_lpips_says_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ContractError, match=r"cannot be computed here.*`random`"):
        Lpips()


def test_the_terms_are_summed_with_their_weights():
    torch.manual_seed(0)
    vae, images, noise = Vae(SMALL), pictures(), torch.randn(2, 4, 8, 8)
    mean, log_variance = vae.raw_moments(images)
    redrawn = vae.raw_decode(mean + noise * (0.5 * log_variance).exp())
    wanted = 2 * (redrawn - images).square().mean() + 0.5 * (redrawn - images).abs().mean()
    wanted = wanted + 3 * kl_per_pixel(mean, log_variance, pixel_values=3 * 32 * 32)
    loss = VaeLoss({"mse": 2.0, "l1": 0.5, "kl": 3.0, "ssim": 0.0})(vae, images, noise)
    torch.testing.assert_close(loss, wanted)


def test_features_of_an_own_network_are_a_term_too():
    torch.manual_seed(0)
    eye = [torch.nn.Conv2d(3, 8, 3), torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3))]
    vae, images = Vae(SMALL), pictures()
    terms = VaeLoss({"self": 1.0}, eye=eye)
    terms(vae, images, torch.randn(2, 4, 8, 8)).backward()
    assert vae.last_layer().grad is not None
    assert all(parameter.grad is None for parameter in terms.parameters())


def test_unknown_terms_are_refused():
    with pytest.raises(InputError, match=r"loss charm: is not known.*adversarial.*ssim"):
        VaeLoss({"mse": 1.0, "charm": 1.0})
    with pytest.raises(InputError, match="needs a network of your own"):
        VaeLoss({"self": 1.0})


def test_latents_of_half_size_should_decode_to_images_of_half_size():
    class Mirror(Vae):
        """Latents are the image's own 2 x 2 means; decoding repeats them."""

        def raw_decode(self, raw: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.interpolate(raw, scale_factor=2)

    flat = torch.full((1, 3, 16, 16), 0.4)
    latents = torch.nn.functional.avg_pool2d(flat, 2)
    assert float(scale_error(Mirror(SMALL), latents, flat)) == pytest.approx(0, abs=1e-6)
    assert float(scale_error(Mirror(SMALL), latents + 0.5, flat)) == pytest.approx(0.5, abs=1e-6)


def test_a_critic_and_an_autoencoder_learn_apart_in_one_backward_pass():
    torch.manual_seed(0)
    vae, images = Vae(SMALL), pictures()
    terms = VaeLoss({"mse": 1.0, "adversarial": 0.5})
    critic = terms.critic
    assert critic is not None
    redrawn = vae.raw_decode(vae.raw_moments(images)[0])
    judged = torch.autograd.grad(
        critic.verdict(redrawn), [*critic.parameters()], allow_unused=True, retain_graph=True
    )
    assert all(gradient is None for gradient in judged)
    taught = torch.autograd.grad(
        critic.own_loss(images, redrawn), [*vae.parameters()], allow_unused=True
    )
    assert all(gradient is None for gradient in taught)
    terms(vae, images, torch.zeros(2, 4, 8, 8)).backward()
    for part in (vae, critic):
        assert all(one.grad is not None for one in part.parameters())


def test_the_critics_word_weighs_as_much_as_all_other_terms_once_it_is_due():
    torch.manual_seed(0)
    vae, images = Vae(SMALL), pictures()
    critic = Critic(channels=8, from_image=3)
    for parameter in vae.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    last = vae.last_layer()
    pulls = []
    for _ in range(3):
        redrawn = vae.raw_decode(vae.raw_moments(images)[0])
        rest = (redrawn - images).square().mean()
        weighed = critic.weighed(rest, redrawn, last)
        (pull,) = torch.autograd.grad(weighed, last, retain_graph=True)
        (own,) = torch.autograd.grad(rest, last)
        pulls.append(float(pull.norm() / own.norm()))
    # two images are seen each time: the third call comes after four
    assert pulls == pytest.approx([0, 0, 1], abs=1e-2)
    critic.eval()
    before = int(critic.seen)
    critic.weighed((redrawn := vae.raw_decode(vae.raw_moments(images)[0])).mean(), redrawn, last)
    assert int(critic.seen) == before


def test_a_critic_learns_to_tell_pictures_from_noise():
    torch.manual_seed(0)
    critic = Critic(channels=8)
    optimiser = torch.optim.Adam(critic.parameters(), lr=3e-3)
    losses = []
    for step in range(80):
        loss = critic.own_loss(pictures(step), torch.rand(2, 3, 32, 32) * 2 - 1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_crops_of_every_scale_come_from_where_they_were_asked_for():
    rows = torch.arange(16.0)[:, None].expand(16, 16)
    images = torch.stack([rows, rows.T, rows])[None].repeat(3, 1, 1, 1)
    corners = torch.tensor([[0.0, 0.0], [0.999, 0.999], [0.5, 0.0]])
    quarter = random_scale_crops(images, crop_px=4, share=0.25, corners=corners)
    assert quarter[:, 0, 0, 0].tolist() == [0, 12, 6]
    assert quarter[:, 1, 0, 0].tolist() == [0, 12, 0]
    assert torch.equal(quarter[1], images[1, :, 12:, 12:])
    whole = random_scale_crops(images, crop_px=16, share=1.0, corners=corners)
    assert torch.equal(whole, images)
    half = random_scale_crops(images, crop_px=4, share=0.5, corners=torch.zeros(3, 2))
    assert half.shape == (3, 3, 4, 4)
    assert float(half[0, 0].mean()) == pytest.approx(3.5, abs=0.1)
