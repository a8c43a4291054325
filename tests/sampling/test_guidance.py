import pytest
import torch

from lowdiff.models.objectives.objective import OBJECTIVES, Objective
from lowdiff.models.text import Text
from lowdiff.sampling.guidance import Guidance, between, guided
from lowdiff.sampling.sample import Drawer, sample
from lowdiff.sampling.settings import Sampling
from lowdiff.sampling.walk import Moment, moments_at
from tests.sampling.gaussian import MEAN, STD, no_text, perfect_denoiser

FLOW = Objective(OBJECTIVES["flow"])
WORDS = Text(torch.zeros(2, 3, 5), torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 5))


def toy(x, t, text: Text):
    """Says 1 with a caption and 0 without."""
    return torch.zeros_like(x) + text.mask.any(1).float()[:, None, None, None]


def at(t: float) -> Moment:
    return moments_at(FLOW, torch.tensor([t], dtype=torch.float64))[0]


def velocity(estimate, t: float) -> torch.Tensor:
    ends = estimate(torch.zeros(2, 1, 2, 2), at(t))
    return ends.noise - ends.x0


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_guidance_goes_so_far_from_no_caption_to_the_caption(scale: float):
    estimate = guided(FLOW, toy, WORDS, Guidance(scale))
    torch.testing.assert_close(velocity(estimate, 0.5), torch.full((2, 1, 2, 2), scale))
    # near both ends the model is taken as it is
    for t in (0.95, 0.05):
        torch.testing.assert_close(velocity(estimate, t), torch.ones(2, 1, 2, 2))


@pytest.mark.parametrize("t", [0.1, 0.9])
def test_the_ends_of_the_interval_are_guided(t: float):
    steps = 20
    walked = 1 - round((1 - t) * steps) / steps  # 0.1 comes out a little less
    assert Guidance(2.0).applies(at(walked))


def test_outside_of_the_interval_the_model_is_asked_once():
    rows = []

    def count(x, t, text):
        rows.append(len(x))
        return x

    estimate = guided(FLOW, count, WORDS, Guidance(2.0))
    for t in (0.95, 0.5, 0.05):
        velocity(estimate, t)
    assert rows == [2, 4, 2]


def test_autoguidance_leads_away_from_a_worse_model_with_the_same_caption():
    estimate = guided(
        FLOW, toy, WORDS, Guidance(3.0), weak=lambda x, t, text: 0.5 * toy(x, t, text)
    )
    torch.testing.assert_close(velocity(estimate, 0.5), torch.full((2, 1, 2, 2), 0.5 + 3 * 0.5))


def test_a_model_cannot_be_led_away_from_itself():
    plain = guided(FLOW, toy, WORDS, Guidance(1.0))
    itself = guided(FLOW, toy, WORDS, Guidance(7.0), weak=toy)
    torch.testing.assert_close(velocity(itself, 0.5), velocity(plain, 0.5))


def test_rescaling_puts_the_deviation_back():
    def answer(x, t, text):
        ramp = torch.arange(4.0).reshape(1, 1, 2, 2).expand_as(x)
        return ramp * (1 + text.mask.any(1).float()[:, None, None, None])

    for rescale, deviation in ((0.0, 7.0), (1.0, 2.0), (0.5, 4.5)):
        found = velocity(guided(FLOW, answer, WORDS, Guidance(7.0 - 1, rescale=rescale)), 0.5)
        ramp = torch.arange(4.0).std()
        assert float(found[0].std()) == pytest.approx(float(ramp) * deviation, rel=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_between_two_captions_the_answers_are_mixed(share: float):
    def worded(x, t, text: Text):
        spoken = text.pooled.mean(1) * text.mask.any(1)
        return torch.zeros_like(x) + spoken[:, None, None, None]

    first, second = (
        WORDS._replace(pooled=torch.ones(2, 5)),
        WORDS._replace(pooled=torch.full((2, 5), 3.0)),
    )
    mixed = between(worded, second, torch.full((2,), share))
    estimate = guided(FLOW, mixed, first, Guidance(2.0))
    expected = torch.full((2, 1, 2, 2), 2 * (1 + 2 * share))
    torch.testing.assert_close(velocity(estimate, 0.5), expected)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_whatever_is_predicted_the_samples_are_the_same_data(name: str):
    """From the answers of a network, through guidance and split, to samples."""
    objective = Objective(OBJECTIVES[name])
    drawer = Drawer(objective, perfect_denoiser(objective), Sampling("heun", steps=200))
    noise = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = sample(drawer, no_text(64), noise, seeds=range(64))
    # paths that keep some data at pure noise miss the mean; see test_samplers
    assert float(found.mean()) == pytest.approx(MEAN, rel=0.05)
    assert float(found.std()) == pytest.approx(STD, rel=0.03)


def test_starting_from_a_picture_keeps_what_is_below_the_noise():
    """Data that are Gaussian: from strength s, the source comes back mixed with a fresh sample."""
    drawer = Drawer(FLOW, perfect_denoiser(FLOW), Sampling("heun", steps=60))
    noise = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    source = MEAN + STD * torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    kept = []
    for strength in (0.0, 0.3, 0.6, 0.9):
        found = sample(
            drawer, no_text(64), noise, seeds=range(64), source=source, strength=strength
        )
        assert float(found.std()) == pytest.approx(STD, rel=0.03)
        signal = (1 - strength) * STD
        expected = signal / (signal**2 + strength**2) ** 0.5
        both = torch.stack([found.flatten(), source.flatten()])
        kept.append(float(torch.corrcoef(both)[0, 1]))
        assert kept[-1] == pytest.approx(expected, abs=0.03)
    assert kept == sorted(kept, reverse=True)
