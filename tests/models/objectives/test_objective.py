import json
from dataclasses import asdict, replace

import pytest
import torch

from lowdiff.errors import ContractError, InputError
from lowdiff.models.objectives.objective import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    find_objective,
    objective_of_run,
)
from lowdiff.models.objectives.paths import CONTINUOUS, TABLES
from lowdiff.models.objectives.predictions import PREDICTIONS

FLOW = Objective(ObjectiveConfig())
ALL = [
    ObjectiveConfig(path=path, prediction=prediction, steps=100)
    for path in [*CONTINUOUS, *TABLES]
    for prediction in PREDICTIONS
    if (path, prediction) != ("flow", "eps")
]


def pair(rows: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(rows, 2, 3, 3), torch.randn(rows, 2, 3, 3)


def test_the_default_is_bit_for_bit_flow_matching_with_logit_normal_times():
    data, noise = pair(8)
    t = FLOW.times(8, torch.Generator().manual_seed(3))
    jitter = torch.rand(8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    normal = torch.special.ndtri(((torch.arange(8) + jitter) / 8).clamp(1e-9, 1 - 1e-9))
    assert torch.equal(t, torch.sigmoid(0.0 + 1.0 * normal).float())
    at = t[:, None, None, None]
    assert torch.equal(FLOW.noised(data, noise, t), (1 - at) * data + at * noise)
    prediction = torch.randn_like(data)
    error = (prediction - (noise - data)).square().mean(dim=(1, 2, 3))
    assert torch.equal(FLOW.losses(prediction, data, noise, t), error)


@pytest.mark.parametrize("config", ALL, ids=lambda c: f"{c.path}-{c.prediction}")
def test_a_perfect_prediction_gives_both_ends_back(config: ObjectiveConfig):
    objective = Objective(config)
    data, noise = (part.double() for part in pair(5))
    t = torch.tensor([0.04, 0.25, 0.5, 0.8, 0.97], dtype=torch.float64)
    target = objective.target(data, noise, t)
    x_t = objective.noised(data, noise, t)
    found = objective.split(target, x_t, t)
    torch.testing.assert_close(found.x0, data, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(found.noise, noise, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(objective.velocity(target, x_t, t), noise - data)
    assert float(objective.losses(target, data, noise, t).max()) < 1e-12


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_path_starts_at_the_data(name: str):
    data, noise = pair()
    found = Objective(OBJECTIVES[name]).noised(data, noise, torch.zeros(4))
    torch.testing.assert_close(found, data, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_batch_of_every_objective_is_noised_and_weighed(name: str):
    objective = Objective(OBJECTIVES[name])
    data, noise = pair(64)
    t = objective.times(64, torch.Generator().manual_seed(0))
    assert ((t >= 0) & (t <= 1)).all()
    losses = objective.losses(torch.zeros_like(data), data, noise, t)
    assert losses.shape == (64,)
    assert losses.isfinite().all()
    assert float(losses.mean()) > 0


def test_the_same_generator_draws_the_same_times():
    first, second = (FLOW.times(8, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)


def test_the_loss_of_flow_is_one_for_an_offset_of_one():
    data, noise = pair()
    losses = FLOW.losses(noise - data + 1, data, noise, torch.full((4,), 0.3))
    torch.testing.assert_close(losses, torch.ones(4))


def test_edm_denoises_as_its_paper_says():
    """D = c_skip x + c_out F(c_in x), table 1, with data of deviation 1 and F = -v."""
    edm = Objective(OBJECTIVES["edm"])
    t = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    alpha, sigma = edm.path.at(t)
    level = (sigma / alpha)[:, None, None, None]
    noised = torch.randn(3, 2, 4, 4, dtype=torch.float64) * level
    answer = torch.randn_like(noised)
    skip, out, scale_in = (
        1 / (level**2 + 1),
        level / (level**2 + 1).sqrt(),
        1 / (level**2 + 1).sqrt(),
    )
    found = edm.split(-answer, scale_in * noised, t)
    torch.testing.assert_close(found.x0, skip * noised + out * answer)


def test_an_old_run_tells_a_name_and_two_numbers():
    told = {"objective": "flow", "time_mean": 0.5, "time_std": 1.5}
    assert objective_of_run(told).config == ObjectiveConfig(time_mean=0.5, time_std=1.5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_run_keeps_its_objective_as_json(name: str):
    config = replace(OBJECTIVES[name], shift=1.5)
    told = json.loads(json.dumps({"objective": asdict(config)}))
    assert objective_of_run(told).config == config


@pytest.mark.parametrize(
    "told", [{"objective": "magic"}, {"objective": {"path": "magic"}}, {"objective": {"magic": 1}}]
)
def test_the_objective_of_another_version_is_refused(told):
    with pytest.raises(ContractError, match="not one of this version"):
        objective_of_run(told)


def test_a_name_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"magic.*flow, story"):
        find_objective("magic")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prediction": "eps"}, "predict v"),
        ({"path": "scaled-linear", "prediction": "eps", "zero_snr": True}, "predict v"),
        ({"path": "edm", "zero_snr": True}, "only tables"),
        ({"path": "linear", "steps": 1}, "2 steps"),
        ({"path": "magic"}, "flow"),
        ({"weight": "magic"}, "min-snr"),
        ({"times": "magic"}, "logit-normal"),
        ({"shift": 0.0}, "shift"),
    ],
)
def test_a_config_that_means_nothing_is_refused(change, message: str):
    with pytest.raises(ValueError, match=message):
        ObjectiveConfig(**change)
