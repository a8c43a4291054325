import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lowdiff.models.ema import PowerEma, gamma_of


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
