import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lowdiff.models.ema import PowerEma, Profile, gamma_of, mix, mixture_of


def averaged_over(values: list[float], *, relative_std: float) -> float:
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, 1e6)  # what it starts from must not matter
    ema = PowerEma(module, relative_std=relative_std)
    for step, value in enumerate(values, start=1):
        nn.init.constant_(module.weight, value)
        ema.update(list(module.parameters()), step)
    return float(ema.averages[0])


@given(st.floats(0.02, 0.25))
def test_the_exponent_solves_the_papers_equation(relative_std: float):
    gamma = gamma_of(relative_std)
    assert (gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3)) == pytest.approx(relative_std**2)


@pytest.mark.parametrize("relative_std", [0.05, 0.1, 0.2])
def test_the_average_of_the_step_number_is_the_profiles_mean(relative_std: float):
    gamma, steps = gamma_of(relative_std), 3000
    found = averaged_over([float(s) for s in range(1, steps + 1)], relative_std=relative_std)
    assert found / steps == pytest.approx((gamma + 1) / (gamma + 2), abs=2e-3)


def test_the_average_of_a_constant_is_the_constant_and_the_start_is_forgotten():
    assert averaged_over([3.0] * 5, relative_std=0.1) == pytest.approx(3.0)
    assert averaged_over([7.0], relative_std=0.1) == pytest.approx(7.0)


def test_a_span_that_no_exponent_has_is_refused():
    with pytest.raises(ValueError, match="relative_std"):
        gamma_of(0.5)


def test_fewer_updates_move_the_average_as_far():
    """Of weights that stand still between updates, every second update makes the same average."""
    values = [float(s // 2) for s in range(2, 402)]
    module = nn.Linear(1, 1, bias=False)
    often, seldom = (PowerEma(module, relative_std=0.1) for _ in range(2))
    for step, value in enumerate(values, start=1):
        nn.init.constant_(module.weight, value)
        often.update(list(module.parameters()), step)
        if step % 2 == 0:
            seldom.update(list(module.parameters()), step, step - 2)
    assert float(seldom.averages[0]) == pytest.approx(float(often.averages[0]), rel=1e-5)


@given(st.floats(0.03, 0.2), st.integers(2, 20))
def test_a_kept_average_is_its_own_mixture(relative_std: float, count: int):
    kept = [Profile(std, (i + 1) / count) for i in range(count) for std in (relative_std, 0.21)]
    mixture = mixture_of(kept, Profile(relative_std, 1.0))
    assert mixture.error < 1e-5
    assert mixture.shares[-2] == pytest.approx(1.0, abs=1e-4)


def test_two_averages_kept_every_twentieth_make_any_other_span():
    """Karras et al. report the same: the profile is met to a fraction of a percent."""
    kept = [Profile(std, part) for part in range(1, 21) for std in (0.05, 0.10)]
    errors = {std: mixture_of(kept, Profile(std, 20)).error for std in (0.06, 0.08, 0.12, 0.15)}
    assert max(errors.values()) < 0.01
    assert mixture_of(kept[-2:], Profile(0.08, 20)).error > 5 * errors[0.08]


def test_an_average_made_afterwards_is_the_one_that_was_not_kept():
    """A random walk of 500 weights: the mixture is far nearer than the two kept averages are."""
    generator = torch.Generator().manual_seed(0)
    walk = torch.randn(2000, 500, generator=generator).cumsum(0)
    module = nn.Linear(500, 1, bias=False)
    short, long, wanted = (PowerEma(module, relative_std=std) for std in (0.05, 0.10, 0.08))
    states, profiles = [], []
    for step, weights in enumerate(walk, start=1):
        for ema in (short, long, wanted):
            ema.update([weights[None]], step)
        if step % 100 == 0:
            for ema in (short, long):
                states.append({name: tensor.clone() for name, tensor in ema.state().items()})
                profiles.append(Profile(ema.relative_std, step))
    made = mix(states, mixture_of(profiles, Profile(0.08, 2000)).shares)["weight"]
    apart = float((made - wanted.averages[0]).norm())
    assert apart < 0.02 * float((short.averages[0] - wanted.averages[0]).norm())
    assert apart < 0.02 * float((long.averages[0] - wanted.averages[0]).norm())


def test_a_mixture_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no average"):
        mixture_of([], Profile(0.1, 1.0))
