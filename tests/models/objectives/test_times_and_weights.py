import pytest
import torch

from lowdiff.models.objectives.objective import OBJECTIVES, Objective, ObjectiveConfig
from lowdiff.models.objectives.paths import FlowPath, make_path
from lowdiff.models.objectives.times import quantiles, shifted
from lowdiff.models.objectives.weights import weights_of


def draw(count: int = 4096, **config: object) -> torch.Tensor:
    objective = Objective(ObjectiveConfig(**config))
    return objective.times(count, torch.Generator().manual_seed(3)).double()


def test_every_slice_of_the_logit_normal_is_drawn_once():
    t = draw(64, time_mean=0.5, time_std=1.5)
    uniform = torch.special.ndtr((torch.logit(t) - 0.5) / 1.5)
    assert ((t > 0) & (t < 1)).all()
    assert sorted((uniform * 64).long().tolist()) == list(range(64))


def test_the_log_normal_is_normal_in_the_log_of_the_noise_level():
    path = make_path("edm", steps=0, zero_snr=False)
    alpha, sigma = path.at(draw(path="edm", prediction="v", times="log-normal", time_mean=-0.5,
                                time_std=1.2))  # fmt: skip
    level = (sigma / alpha).log()
    assert float(level.mean()) == pytest.approx(-0.5, abs=0.01)
    assert float(level.std()) == pytest.approx(1.2, rel=0.01)


def test_on_the_straight_path_the_log_normal_is_the_logit_normal():
    torch.testing.assert_close(draw(times="log-normal"), draw(times="logit-normal"))


def test_the_story_draws_each_of_its_500_steps_alike():
    t = Objective(OBJECTIVES["story"]).times(100_000, torch.Generator().manual_seed(0))
    step = (t.double() * 500).round()
    torch.testing.assert_close(step / 500, t.double(), atol=1e-6, rtol=0)
    counts = torch.bincount(step.long(), minlength=501)
    assert int(counts[0]) == 0
    # 200 each; six deviations of a Poisson count
    assert (counts[1:] - 200).abs().max() < 6 * 200**0.5


def test_even_drawing_lowers_the_variance_of_a_mean():
    def spread(stratified: bool) -> float:
        generator = torch.Generator().manual_seed(0)
        means = [quantiles(32, generator, stratified=stratified).mean() for _ in range(200)]
        return float(torch.stack(means).std())

    assert spread(True) < spread(False) / 10


@pytest.mark.parametrize("shift", [0.5, 3.0])
def test_on_the_straight_path_a_shift_has_a_closed_form(shift: float):
    t = torch.linspace(0, 1, 21, dtype=torch.float64)
    expected = shift * t / (1 + (shift - 1) * t)
    torch.testing.assert_close(shifted(t, FlowPath(), shift), expected)


@pytest.mark.parametrize("name", ["linear", "cosine", "edm"])
def test_a_shift_multiplies_the_noise_level(name: str):
    path = make_path(name, steps=1000, zero_snr=False)
    t = torch.linspace(0.2, 0.7, 11, dtype=torch.float64)
    before, after = ((s / a) for a, s in (path.at(t), path.at(shifted(t, path, 2.0))))
    torch.testing.assert_close(after, 2 * before, rtol=1e-6, atol=0)


def amounts() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    path = make_path("linear", steps=1000, zero_snr=False)
    alpha, sigma = path.at(torch.linspace(0.01, 1, 50, dtype=torch.float64))
    return alpha, sigma, (alpha / sigma).square()


def test_min_snr_has_the_factors_of_its_paper():
    """Hang et al. 2023, section 3.4: min(SNR, 5) for x0, over SNR for eps, over SNR + 1 for v."""
    alpha, sigma, snr = amounts()
    least = snr.clamp(max=5)
    expected = {"x0": least, "eps": least / snr, "v": least / (snr + 1)}
    for prediction, weights in expected.items():
        torch.testing.assert_close(weights_of("min-snr", prediction, alpha, sigma, 5.0), weights)


def test_soft_min_snr_is_below_min_snr_and_meets_it_at_both_ends():
    alpha, sigma, snr = amounts()
    soft = weights_of("soft-min-snr", "x0", alpha, sigma, 5.0)
    hard = weights_of("min-snr", "x0", alpha, sigma, 5.0)
    torch.testing.assert_close(soft, 5 * snr / (5 + snr))
    assert (soft < hard).all()
    assert float(soft[0] / hard[0]) > 0.95
    assert float(soft[-1] / hard[-1]) > 0.95


def test_the_weight_of_edm_makes_the_loss_of_its_network_plain():
    alpha, sigma, snr = amounts()
    torch.testing.assert_close(weights_of("edm", "v", alpha, sigma, 5.0), torch.ones(50).double())
    torch.testing.assert_close(weights_of("edm", "x0", alpha, sigma, 5.0), 1 + snr)


def test_the_same_weight_means_the_same_whatever_is_predicted():
    data, noise = torch.randn(2, 50, 1, 2, 2, dtype=torch.float64)
    wrong = data + 0.1
    t = torch.linspace(0.05, 0.95, 50, dtype=torch.float64)
    found = []
    for prediction in ("eps", "x0", "v", "velocity"):
        objective = Objective(
            ObjectiveConfig(path="linear", prediction=prediction, weight="min-snr")
        )
        x_t = objective.noised(data, noise, t)
        alpha, sigma = (part[:, None, None, None] for part in objective.path.at(t))
        answer = objective.target(wrong, (x_t - alpha * wrong) / sigma, t)
        found.append(objective.losses(answer, data, noise, t))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0])


def test_a_uniform_weight_is_none():
    alpha, sigma, _ = amounts()
    assert weights_of("uniform", "eps", alpha, sigma, 5.0) is None
