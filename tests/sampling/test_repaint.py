"""Filling holes, on data whose perfect denoiser is known."""

import pytest
import torch

from lowdiff.models.objectives.objective import OBJECTIVES, Objective
from lowdiff.sampling.sample import Drawer, repaint
from lowdiff.sampling.settings import Sampling
from tests.sampling.gaussian import MEAN, STD, no_text, perfect_denoiser

FLOW = Objective(OBJECTIVES["flow"])
HOW = Sampling("euler", steps=40)


def left_half(rows: int) -> torch.Tensor:
    hole = torch.zeros(rows, 1, 8, 8)
    hole[..., :4] = 1
    return hole


def unit(rows: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def flat(x, t, _text):
    """The perfect velocity when every image is one value, drawn from N(0, 1)."""
    alpha, sigma = (part[0] for part in FLOW.path.at(t))
    cells = x[0].numel()
    value = alpha * cells * x.mean(dim=(1, 2, 3), keepdim=True) / (alpha**2 * cells + sigma**2)
    return (x - alpha * value) / sigma - value


def test_the_hole_is_drawn_from_the_data_and_the_rest_stays():
    drawer = Drawer(FLOW, perfect_denoiser(FLOW), HOW)
    known, hole = MEAN + STD * unit(64, 1), left_half(64)
    found = repaint(drawer, no_text(64), unit(64, 0), seeds=range(64), known=known, hole=hole)
    assert torch.equal(found[hole == 0], known[hole == 0])
    assert float(found[hole == 1].mean()) == pytest.approx(MEAN, rel=0.03)
    assert float(found[hole == 1].std()) == pytest.approx(STD, rel=0.06)


def test_more_rounds_make_the_inside_agree_with_the_outside():
    drawer = Drawer(FLOW, flat, HOW)
    known = unit(64, 1)[..., :1, :1].expand(-1, -1, 8, 8)
    hole = left_half(64)
    errors = []
    for rounds in (1, 4, 10):
        found = repaint(
            drawer, no_text(64), unit(64, 0), seeds=range(64), known=known, hole=hole, rounds=rounds
        )
        errors.append(float((found - known).square().mean().sqrt()))
    assert errors[0] > 1.2 * errors[1] > 1.2 * errors[2]


def test_what_is_in_the_hole_counts_only_below_full_strength():
    drawer = Drawer(FLOW, perfect_denoiser(FLOW), HOW)
    hole = left_half(4)
    one, other = MEAN + unit(4, 1), MEAN + unit(4, 2)
    other = torch.where(hole == 1, other, one)

    def found(known: torch.Tensor, strength: float) -> torch.Tensor:
        return repaint(
            drawer, no_text(4), unit(4, 0), seeds=range(4), known=known, hole=hole,
            strength=strength,
        )  # fmt: skip

    assert torch.equal(found(one, 1.0), found(other, 1.0))
    assert not torch.equal(found(one, 0.5), found(other, 0.5))
