import torch

from lowdiff.models.flow import FlowMatching

FLOW = FlowMatching()


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(4, 2, 3, 3), torch.randn(4, 2, 3, 3)


def test_the_path_starts_at_data_and_ends_at_noise():
    data, noise = pair()
    assert torch.equal(FLOW.noised(data, noise, torch.zeros(4)), data)
    assert torch.equal(FLOW.noised(data, noise, torch.ones(4)), noise)


def test_the_velocity_is_the_slope_of_the_path():
    data, noise = pair()
    low, high = (FLOW.noised(data, noise, torch.full((4,), t)) for t in (0.25, 0.75))
    torch.testing.assert_close((high - low) / 0.5, FLOW.target(data, noise), atol=1e-5, rtol=0)


def test_the_loss_is_zero_for_the_target_and_one_for_an_offset_of_one():
    data, noise = pair()
    target = FLOW.target(data, noise)
    assert torch.equal(FLOW.losses(target, data, noise), torch.zeros(4))
    torch.testing.assert_close(FLOW.losses(target + 1, data, noise), torch.ones(4))


def test_every_slice_of_the_time_distribution_is_drawn_once():
    flow = FlowMatching(time_mean=0.5, time_std=1.5)
    t = flow.times(64, torch.Generator().manual_seed(3)).double()
    uniform = torch.special.ndtr((torch.logit(t) - 0.5) / 1.5)
    assert ((t > 0) & (t < 1)).all()
    assert sorted((uniform * 64).long().tolist()) == list(range(64))


def test_the_same_generator_draws_the_same_times():
    first, second = (FLOW.times(8, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
