import pytest
import torch

from lowdiff.models.text import Text
from lowdiff.sampling.samplers import SAMPLERS, euler, guided, heun

MEAN, STD = 1.5, 0.5


def gaussian_velocity(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The exact velocity when the data are N(MEAN, STD^2): E[noise - data | x_t]."""
    at = t[:, None, None, None].to(x.dtype)
    covariance = at - (1 - at) * STD**2
    variance = (1 - at) ** 2 * STD**2 + at**2
    return -MEAN + covariance / variance * (x - (1 - at) * MEAN)


def exact(noise: torch.Tensor) -> torch.Tensor:
    """Where the probability flow of a Gaussian ends: the same quantile."""
    return MEAN + STD * noise


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("name", SAMPLERS)
def test_sampling_a_straight_path_returns_the_data(name: str, steps: int):
    data, noise = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    found = SAMPLERS[name](lambda x, t: noise - data, noise, steps=steps)
    torch.testing.assert_close(found, data, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_of_a_gaussian_have_its_mean_and_deviation(name: str):
    noise = torch.randn(256, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    found = SAMPLERS[name](gaussian_velocity, noise, steps=100)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(found.std()) == pytest.approx(STD, rel=0.02)


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2)])
def test_halving_the_step_divides_the_error_by_two_to_the_order(sampler, order: int):
    noise = torch.randn(8, 4, 4, 4, dtype=torch.float64)
    errors = [
        float((sampler(gaussian_velocity, noise, steps=n) - exact(noise)).norm()) for n in (40, 80)
    ]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.15)


def test_heun_asks_the_model_twice_a_step_but_once_at_the_end():
    asked = []

    def count(x, t):
        asked.append(float(t[0]))
        return x

    heun(count, torch.zeros(1, 1, 1, 1), steps=5)
    assert len(asked) == 9
    assert min(asked) > 0


@pytest.mark.parametrize("name", SAMPLERS)
def test_less_than_one_step_is_refused(name: str):
    with pytest.raises(ValueError, match="steps"):
        SAMPLERS[name](lambda x, t: x, torch.zeros(1, 1, 1, 1), steps=0)


def toy_model(x, t, text: Text):
    """Says 1 with a caption and 0 without."""
    return torch.zeros_like(x) + text.mask.any(1).float()[:, None, None, None]


@pytest.mark.parametrize("guidance", [0.0, 1.0, 3.0])
def test_guidance_goes_so_far_from_no_caption_to_the_caption(guidance: float):
    text = Text(torch.zeros(2, 3, 5), torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 5))
    velocity = guided(toy_model, text, guidance=guidance)
    x = torch.zeros(2, 1, 1, 1)
    assert torch.equal(velocity(x, torch.full((2,), 0.5)), torch.full_like(x, guidance))
    # near both ends the model is taken as it is
    assert torch.equal(velocity(x, torch.full((2,), 0.95)), torch.ones_like(x))
    assert torch.equal(velocity(x, torch.full((2,), 0.05)), torch.ones_like(x))
