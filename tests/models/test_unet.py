import pytest
import torch

from lowdiff.models.denoiser import time_features
from lowdiff.models.text import Text
from lowdiff.models.unet import Unet, UnetConfig

CONFIG = UnetConfig(
    channels=(16, 32), attention_levels=(1,), head_width=16, condition_width=32, text_width=24
)


def a_unet(*, trained: bool = True) -> Unet:
    """A network whose zero layers are filled, as after training."""
    torch.manual_seed(0)
    unet = Unet(CONFIG).eval()
    if trained:
        for parameter in unet.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return unet


def a_text(rows: int = 2, length: int = 5) -> Text:
    torch.manual_seed(1)
    mask = torch.ones(rows, length, dtype=torch.bool)
    return Text(torch.randn(rows, length, 24), mask, torch.randn(rows, 24))


def test_a_new_network_predicts_zero():
    out = a_unet(trained=False)(torch.randn(2, 4, 8, 8), torch.rand(2), a_text())
    assert torch.equal(out, torch.zeros(2, 4, 8, 8))


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 3), (16, 12)])
@torch.no_grad()
def test_any_size_of_latents_keeps_its_size(size: tuple[int, int]):
    assert a_unet()(torch.randn(2, 4, *size), torch.rand(2), a_text()).shape == (2, 4, *size)


@torch.no_grad()
def test_time_tokens_and_pooled_text_all_have_a_say():
    unet, x, t, text = a_unet(), torch.randn(2, 4, 8, 8), torch.full((2,), 0.5), a_text()
    plain = unet(x, t, text)
    assert not torch.allclose(plain, unet(x, t + 0.1, text))
    assert not torch.allclose(plain, unet(x, t, text._replace(tokens=text.tokens.flip(-1))))
    assert not torch.allclose(plain, unet(x, t, text._replace(pooled=-text.pooled)))


@torch.no_grad()
def test_what_lies_under_the_mask_has_no_say():
    unet, x, t, text = a_unet(), torch.randn(2, 4, 8, 8), torch.rand(2), a_text()
    mask = text.mask.clone()
    mask[:, 3:] = False
    tokens = text.tokens.clone()
    tokens[:, 3:] = 99
    masked = unet(x, t, Text(text.tokens, mask, text.pooled))
    torch.testing.assert_close(unet(x, t, Text(tokens, mask, text.pooled)), masked)
    short = Text(text.tokens[:, :3], mask[:, :3], text.pooled)
    torch.testing.assert_close(unet(x, t, short), masked)


@torch.no_grad()
def test_a_left_out_caption_is_forgotten_and_its_neighbour_is_not():
    unet, x, t, text = a_unet(), torch.randn(2, 4, 8, 8), torch.rand(2), a_text()
    half = text.keep(torch.tensor([True, False]))
    other = a_text()._replace(tokens=-text.tokens, pooled=-text.pooled)
    out = unet(x, t, half)
    torch.testing.assert_close(out[1:], unet(x, t, other.without_caption())[1:])
    torch.testing.assert_close(out[:1], unet(x, t, text)[:1])
    assert not torch.allclose(out[1:], unet(x, t, text)[1:])


def test_the_stand_in_for_a_left_out_caption_is_learned():
    unet = a_unet()
    unet(torch.randn(2, 4, 8, 8), torch.rand(2), a_text().without_caption()).sum().backward()
    for parameter in (unet.no_token, unet.no_pooled):
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


def test_time_features_tell_near_times_apart_and_are_bounded():
    features = time_features(torch.tensor([0.5, 0.501]), 64)
    assert features.abs().max() <= 1
    assert (features[0] - features[1]).norm() > 0.1
