from dataclasses import replace

import pytest
import torch

from lowdiff.models.objectives.objective import OBJECTIVES, Objective
from lowdiff.models.objectives.predictions import Ends
from lowdiff.sampling.noise import NoiseSource
from lowdiff.sampling.samplers import SAMPLERS
from lowdiff.sampling.walk import Knobs, moments_at, walk_of
from tests.sampling.gaussian import MEAN, STD, at_the_end, perfect

ORDER = {"euler": 1, "ddim": 1, "heun": 2, "dpmpp_2m": 2, "unipc": 3}
ENDS_IN_NOISE = ["flow", "v-zero-snr", "x0-cosine", "edm"]


def run(name: str, x: torch.Tensor, walk, estimate=perfect, **knobs: object) -> torch.Tensor:
    noise = NoiseSource(range(len(x)))
    return SAMPLERS[name].walk(estimate, x, walk, noise, Knobs(**knobs))


def unit(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("objective", ENDS_IN_NOISE)
@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_of_a_gaussian_have_its_mean_and_deviation(name: str, objective: str):
    steps = 100 if ORDER.get(name, 1) > 1 else 400
    walk = walk_of(Objective(OBJECTIVES[objective]), steps)
    found = run(name, unit(32, 4, 8, 8), walk)
    assert float(found.mean()) == pytest.approx(MEAN, rel=0.02)
    assert float(found.std()) == pytest.approx(STD, rel=0.02)


@pytest.mark.parametrize("name", ["heun", "dpmpp_2m"])
def test_a_path_that_keeps_some_data_at_pure_noise_misses_the_mean(name: str):
    """Walks start where all is noise, but the course's path has 7.9 % of the amplitude left there.

    So its pictures are pulled to grey by half of that (the data's deviation is 0.5); a path that
    ends in pure noise has the right brightness.
    """
    noise = unit(32, 4, 8, 8)
    means = {}
    for objective in ("story", "v-zero-snr", "flow"):
        walk = walk_of(Objective(OBJECTIVES[objective]), 100)
        means[objective] = float(run(name, noise, walk).mean())
        expected = float(at_the_end(noise, walk[0], walk[-1]).mean())
        assert means[objective] == pytest.approx(expected, rel=0.005)
    assert means["story"] == pytest.approx(MEAN * (1 - 0.079 / 2), rel=0.01)
    assert means["v-zero-snr"] == pytest.approx(MEAN, rel=0.01)
    assert means["flow"] == pytest.approx(MEAN, rel=0.01)


@pytest.mark.parametrize("objective", ["flow", "eps-scaled-linear", "edm"])
@pytest.mark.parametrize("name", ORDER)
def test_halving_the_step_divides_the_error_by_two_to_the_order(name: str, objective: str):
    def error(steps: int) -> float:
        walk = walk_of(Objective(OBJECTIVES[objective]), steps, start=0.8, end=0.3)
        x = unit(4, 1, 8, 8)
        return float((run(name, x, walk) - at_the_end(x, walk[0], walk[-1])).norm())

    assert error(160) / error(320) == pytest.approx(2 ** ORDER[name], rel=0.2)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_last_step_leaves_no_noise(name: str, objective: str, steps: int):
    """Whatever a model said before: where it ends, the estimate of the data is returned exactly."""
    data = torch.randn(2, 3, 4, 4)
    asked = []

    def knows(x, at):
        asked.append(at.t)
        return Ends(data, (x - at.alpha * data) / at.sigma)

    found = run(
        name, torch.randn(2, 3, 4, 4), walk_of(Objective(OBJECTIVES[objective]), steps), knows
    )
    torch.testing.assert_close(found, data, atol=1e-5, rtol=0)
    assert min(asked) > 0


@pytest.mark.parametrize(
    ("name", "calls"), [("euler", 5), ("heun", 9), ("dpmpp_2m", 5), ("unipc", 5), ("ddim", 5)]
)
def test_a_sampler_asks_the_model_so_often(name: str, calls: int):
    asked = []

    def count(x, at):
        asked.append(at)
        return Ends(x, x)

    run(name, torch.zeros(1, 1, 1, 1), walk_of(Objective(OBJECTIVES["flow"]), 5), count)
    assert len(asked) == calls


def test_without_its_noise_ddpm_draws_blobs():
    """The course's wrong sampler: details average out; with the noise they are there."""
    walk = walk_of(Objective(OBJECTIVES["story"]), 500)
    noise = unit(32, 1, 8, 8)
    right, wrong = (run("ddpm", noise, walk, noise_scale=scale) for scale in (1.0, 0.0))
    assert float(right.std()) == pytest.approx(STD, rel=0.03)
    assert float(wrong.std() / right.std()) < 0.8
    assert float(wrong.mean()) == pytest.approx(MEAN, rel=0.02)


def test_ddim_with_eta_one_is_ddpm_with_the_variance_of_the_posterior():
    walk = walk_of(Objective(OBJECTIVES["eps-linear"]), 50)
    noise = unit(3, 1, 4, 4)
    first, second = (
        run("ddim", noise, walk, eta=1.0),
        run("ddpm", noise, walk, variance="posterior"),
    )
    torch.testing.assert_close(first, second)


def test_euler_is_ddim_without_noise():
    walk = walk_of(Objective(OBJECTIVES["eps-linear"]), 20)
    torch.testing.assert_close(
        run("euler", unit(2, 1, 4, 4), walk), run("ddim", unit(2, 1, 4, 4), walk)
    )


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_picture_does_not_depend_on_its_neighbours(name: str):
    walk = walk_of(Objective(OBJECTIVES["story"]), 10)
    x = unit(3, 1, 4, 4)
    together = SAMPLERS[name].walk(perfect, x, walk, NoiseSource([4, 5, 6]), Knobs(eta=0.5))
    alone = SAMPLERS[name].walk(perfect, x[1:2], walk, NoiseSource([5]), Knobs(eta=0.5))
    torch.testing.assert_close(together[1:2], alone)


def test_a_walk_has_equal_steps_and_ends_at_the_data():
    walk = walk_of(Objective(OBJECTIVES["flow"]), 4)
    assert [at.t for at in walk] == [1, 0.75, 0.5, 0.25, 0]
    assert (walk[0].alpha, walk[0].sigma) == (0, 1)
    assert (walk[-1].alpha, walk[-1].sigma) == (1, 0)


@pytest.mark.parametrize("steps", [1, 3, 9, 27])
@pytest.mark.parametrize("start", [0.3, 0.7, 0.9, 1.0])
def test_a_walk_from_anywhere_ends_without_a_trace_of_noise(start: float, steps: int):
    for config in OBJECTIVES.values():
        for shift in (1.0, 3.0):
            last = walk_of(Objective(config), steps, start=start, shift=shift)[-1]
            assert (last.t, last.alpha, last.sigma) == (0, 1, 0)


def test_a_shifted_walk_spends_its_steps_on_noise():
    flow = Objective(OBJECTIVES["flow"])
    told = Objective(replace(OBJECTIVES["flow"], shift=3.0))
    walk = walk_of(flow, 4, shift=3.0)
    assert walk == walk_of(told, 4)
    assert [at.t for at in walk] == pytest.approx([1, 0.9, 0.75, 0.5, 0])


def test_the_share_of_noise_is_the_time_of_the_straight_path():
    times = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    assert [at.noise_share for at in moments_at(Objective(OBJECTIVES["flow"]), times)] == [
        0,
        0.3,
        1,
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"steps": 0}, "steps"), ({"end": 1.0}, "within"), ({"start": 2}, "within")],
)
def test_a_walk_that_goes_nowhere_is_refused(change, message: str):
    with pytest.raises(ValueError, match=message):
        walk_of(Objective(OBJECTIVES["flow"]), **({"steps": 3} | change))
