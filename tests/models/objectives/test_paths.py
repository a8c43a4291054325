import math

import pytest
import torch

from lowdiff.models.objectives.paths import (
    CONTINUOUS,
    TABLES,
    EdmPath,
    TablePath,
    from_betas,
    make_path,
    zero_terminal,
)

NAMES = [*CONTINUOUS, *TABLES]


def terminal_snr(name: str, *, steps: int, zero_snr: bool = False) -> float:
    """Variance of the data over variance of the noise at t = 1."""
    path = make_path(name, steps=steps, zero_snr=zero_snr)
    alpha, sigma = (float(part) for part in path.at(torch.ones(1, dtype=torch.float64)))
    return (alpha / sigma) ** 2


def test_the_schedule_of_the_course_leaves_data_at_pure_noise():
    """0.0063 of the variance, 7.9 % of the amplitude: its flaw, kept."""
    assert terminal_snr("course", steps=500) == pytest.approx(0.0063, abs=0.00005)
    alpha, _ = make_path("course", steps=500, zero_snr=False).at(torch.ones(1))
    assert float(alpha) == pytest.approx(0.079, abs=0.0005)


def test_the_schedule_of_the_course_is_its_own_arithmetic():
    betas = (0.02 - 1e-4) * torch.linspace(0, 1, 501, dtype=torch.float64) + 1e-4
    signal = torch.cumsum((1 - betas).log(), dim=0).exp()
    signal[0] = 1
    path = make_path("course", steps=500, zero_snr=False)
    step = torch.tensor([0, 1, 2, 250, 499, 500])
    alpha, sigma = path.at(step / 500.0)
    torch.testing.assert_close(alpha.double(), signal[step].sqrt(), atol=1e-6, rtol=0)
    torch.testing.assert_close(sigma.double(), (1 - signal[step]).sqrt(), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "percent"), [("linear", 0.6), ("scaled-linear", 6.8), ("cosine", 0.0)]
)
def test_so_much_of_the_amplitude_is_left_after_a_thousand_steps(name: str, percent: float):
    assert 100 * terminal_snr(name, steps=1000) ** 0.5 == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize("name", TABLES)
def test_a_shifted_schedule_leaves_nothing_and_starts_as_before(name: str):
    assert terminal_snr(name, steps=300, zero_snr=True) == 0
    shifted = make_path(name, steps=300, zero_snr=True)
    plain = make_path(name, steps=300, zero_snr=False)
    first = torch.tensor([1 / 300], dtype=torch.float64)
    torch.testing.assert_close(shifted.at(first), plain.at(first))


def test_the_straight_path_and_edm_leave_next_to_nothing():
    assert terminal_snr("flow", steps=0) == 0
    assert terminal_snr("edm", steps=0) == pytest.approx(160.0**-2, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_noise_only_grows(name: str):
    path = make_path(name, steps=50, zero_snr=False)
    alpha, sigma = path.at(torch.linspace(0, 1, 333, dtype=torch.float64))
    assert (alpha.diff() < 0).all()
    assert (sigma.diff() > 0).all()
    assert (float(alpha[0]), float(sigma[0])) == (1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_time_of_a_ratio_is_the_time_that_has_it(name: str):
    path = make_path(name, steps=50, zero_snr=False)
    t = torch.linspace(0.03, 0.99, 97, dtype=torch.float64)
    alpha, sigma = path.at(t)
    torch.testing.assert_close(path.time_of((sigma / alpha).log()), t, atol=1e-6, rtol=0)


def test_a_table_is_a_thousand_small_steps():
    """Destroying structure step by step or at once: the same mean and variance."""
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    table = TablePath(from_betas(betas))
    generator = torch.Generator().manual_seed(0)
    x = torch.full((20_000,), 3.0, dtype=torch.float64)
    for step, beta in enumerate(betas.tolist(), start=1):
        noise = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        x = math.sqrt(1 - beta) * x + math.sqrt(beta) * noise
        if step in (100, 400):
            alpha, sigma = table.at(torch.tensor([step / 1000], dtype=torch.float64))
            assert float(x.mean()) == pytest.approx(3 * float(alpha), rel=0.01)
            assert float(x.var()) == pytest.approx(float(sigma) ** 2, rel=0.03)


@pytest.mark.parametrize("steps", [5, 18])
def test_equal_steps_of_edm_are_those_of_its_paper(steps: int):
    """Equation 5 has the lowest level at the last step; ours would be one step further."""
    path = EdmPath()
    alpha, sigma = path.at(torch.arange(steps, -1, -1, dtype=torch.float64) / steps)
    low, high = 0.004 ** (1 / 7), 160 ** (1 / 7)
    expected = [(high + i / steps * (low - high)) ** 7 for i in range(steps)]
    torch.testing.assert_close((sigma / alpha)[:-1], torch.tensor(expected, dtype=torch.float64))
    assert float(sigma[-1]) == 0


def test_a_shift_to_zero_keeps_the_order_of_a_table():
    signal = zero_terminal(TABLES["scaled-linear"](1000))
    assert (signal.diff() < 0).all()
    assert float(signal[-1]) == 0
