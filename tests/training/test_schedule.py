from hypothesis import given
from hypothesis import strategies as st

from lowdiff.models.presets import TrainConfig
from lowdiff.training.captions import short_form
from lowdiff.training.schedule import learning_rate, step_seed

PLAN = TrainConfig(steps=100, continue_steps=10, batch_size=1, learning_rate=1.0, warmup_share=0.1)


def rates(steps: int) -> list[float]:
    return [learning_rate(step, steps=steps, plan=PLAN) for step in range(steps)]


@given(st.integers(1, 500))
def test_the_rate_rises_holds_and_falls_but_never_to_nothing(steps: int):
    found = rates(steps)
    top = found.index(max(found))
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)
    assert all(0 < rate <= 1 for rate in found)


def test_the_rate_is_full_between_warm_up_and_cool_down():
    found = rates(100)
    assert found[0] == 0.1
    assert set(found[9:60]) == {1.0}
    assert found[-1] == 1 / 40


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_every_step_of_every_run_has_its_own_seed(seed: int, step: int):
    here = step_seed(seed, step)
    assert 0 <= here < 2**63
    assert here not in (step_seed(seed, step + 1), step_seed(seed + 1, step))


def test_the_short_form_is_the_subject():
    assert short_form("A raccoon, one large centred figure.") == "A raccoon"
    assert short_form("A raccoon.") == "A raccoon"
    assert short_form("") == ""
