"""The same stub model through our samplers and through diffusers' schedulers."""

from dataclasses import replace

import pytest
import torch

from lowdiff.models.objectives.objective import OBJECTIVES, Objective, ObjectiveConfig
from lowdiff.models.objectives.paths import TABLES, zero_terminal
from lowdiff.sampling.noise import NoiseSource
from lowdiff.sampling.samplers import SAMPLERS
from lowdiff.sampling.walk import Knobs, Moment, moments_at, walk_of
from tests.sampling.gaussian import perfect

schedulers = pytest.importorskip("diffusers.schedulers")
# diffusers hands tensors to NumPy 2 in the old way
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LEVELS = 100
SEED = 7
NAMES = {"linear": "linear", "scaled-linear": "scaled_linear", "cosine": "squaredcos_cap_v2"}
VP = {
    "num_train_timesteps": LEVELS,
    "beta_start": 1e-4,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "timestep_spacing": "trailing",
}
LINEAR = Objective(ObjectiveConfig(path="linear", prediction="eps", steps=LEVELS))


def start() -> torch.Tensor:
    return torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))


def ours(name: str, walk: list[Moment], **knobs: object) -> torch.Tensor:
    return SAMPLERS[name].walk(perfect, start(), walk, NoiseSource([SEED]), Knobs(**knobs))


def noise_at(x: torch.Tensor, step: float) -> torch.Tensor:
    """The noise in x that the perfect denoiser sees at a step of diffusers (counted from 0)."""
    (at,) = moments_at(LINEAR, torch.tensor([(float(step) + 1) / LEVELS], dtype=torch.float64))
    return perfect(x, at).noise


def theirs(scheduler, steps: int, x: torch.Tensor, **step: object) -> torch.Tensor:
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        answer = noise_at(scheduler.scale_model_input(x, t), t)
        x = scheduler.step(answer, t, x, **step).prev_sample
    return x


@pytest.mark.parametrize("zero_snr", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_tables_are_those_of_diffusers(name: str, zero_snr: bool):
    ends = {"beta_start": 0.00085, "beta_end": 0.012} if name == "scaled-linear" else {}
    scheduler = schedulers.DDIMScheduler(
        beta_schedule=NAMES[name], rescale_betas_zero_snr=zero_snr,
        **({"beta_start": 1e-4, "beta_end": 0.02} | ends),
    )  # fmt: skip
    table = TABLES[name](1000)
    table = zero_terminal(table) if zero_snr else table
    torch.testing.assert_close(table[1:].float(), scheduler.alphas_cumprod, atol=2e-5, rtol=0)


@pytest.mark.parametrize("eta", [0.0, 0.6])
def test_ddim(eta: float):
    scheduler = schedulers.DDIMScheduler(**VP, clip_sample=False)
    generator = torch.Generator().manual_seed(SEED)
    found = theirs(scheduler, 10, start(), eta=eta, generator=generator)
    torch.testing.assert_close(ours("ddim", walk_of(LINEAR, 10), eta=eta), found, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("variance", "theirs_is", "steps"),
    [("posterior", "fixed_small", 20), ("beta", "fixed_large", LEVELS)],
)
def test_ddpm(variance: str, theirs_is: str, steps: int):
    scheduler = schedulers.DDPMScheduler(**VP, variance_type=theirs_is, clip_sample=False)
    generator = torch.Generator().manual_seed(SEED)
    found = theirs(scheduler, steps, start(), generator=generator)
    mine = ours("ddpm", walk_of(LINEAR, steps), variance=variance)
    torch.testing.assert_close(mine, found, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ["euler", "heun"])
def test_euler_and_heun(name: str):
    kind = {"euler": schedulers.EulerDiscreteScheduler, "heun": schedulers.HeunDiscreteScheduler}
    scheduler = kind[name](**VP)
    scheduler.set_timesteps(10)
    highest = float(scheduler.sigmas[0])
    found = theirs(scheduler, 10, start() * (1 + highest**2) ** 0.5)
    torch.testing.assert_close(ours(name, walk_of(LINEAR, 10)), found, atol=1e-4, rtol=0)


@pytest.mark.parametrize("steps", [4, 10, 20])
@pytest.mark.parametrize("name", ["dpmpp_2m", "unipc"])
def test_samplers_with_a_memory(name: str, steps: int):
    kind = {
        "dpmpp_2m": schedulers.DPMSolverMultistepScheduler,
        "unipc": schedulers.UniPCMultistepScheduler,
    }
    scheduler = kind[name](**VP, solver_order=2, final_sigmas_type="zero")
    found = theirs(scheduler, steps, start())
    torch.testing.assert_close(ours(name, walk_of(LINEAR, steps)), found, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["euler", "heun"])
def test_flow_matching(name: str):
    flow = Objective(OBJECTIVES["flow"])
    kind = {
        "euler": schedulers.FlowMatchEulerDiscreteScheduler,
        "heun": schedulers.FlowMatchHeunDiscreteScheduler,
    }
    scheduler = kind[name]()
    scheduler.set_timesteps(8)
    times = torch.unique(scheduler.sigmas.double()).flip(0)
    x = start()
    for t in scheduler.timesteps:
        (at,) = moments_at(flow, t[None].double() / 1000)
        x0, noise = perfect(x, at)
        x = scheduler.step(noise - x0, t, x).prev_sample
    torch.testing.assert_close(ours(name, moments_at(flow, times)), x, atol=1e-4, rtol=0)


def test_a_shift_is_that_of_flow_matching():
    scheduler = schedulers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25])
    walk = walk_of(Objective(replace(OBJECTIVES["flow"], shift=3.0)), 4)
    assert [at.sigma for at in walk] == pytest.approx(scheduler.sigmas.tolist(), abs=1e-6)
