from dataclasses import replace

import pytest
import torch

from lowdiff.errors import ContractError, InputError
from lowdiff.models.context_unet import ContextConfig, ContextUnet
from lowdiff.models.denoiser import Denoiser
from lowdiff.models.denoisers import DENOISERS, build_denoiser, find_denoiser, fitted
from lowdiff.models.dit import Dit, DitConfig
from lowdiff.models.text import Text
from lowdiff.models.unet import Unet, UnetConfig

TEXT_WIDTH = 24
POOLED_ONLY = ("context",)
TOKENS_ONLY = ("diffusers",)
START_AT_ZERO = ("unet", "dit")
WITH_READER = sorted(DENOISERS.keys() - {"diffusers"})


def a_text(rows: int = 2, length: int = 5) -> Text:
    generator = torch.Generator().manual_seed(1)
    mask = torch.ones(rows, length, dtype=torch.bool)
    tokens = torch.randn(rows, length, TEXT_WIDTH, generator=generator)
    return Text(tokens, mask, torch.randn(rows, TEXT_WIDTH, generator=generator))


def a_denoiser(arch: str, *, trained: bool = True, **more: object) -> Denoiser:
    """A small one whose zero layers are filled, as after training."""
    torch.manual_seed(0)
    config = fitted(find_denoiser(arch).sized(16), latent_channels=3, text_width=TEXT_WIDTH)
    denoiser = build_denoiser(arch, replace(config, **more)).eval()
    if trained:
        for parameter in denoiser.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.1)
    return denoiser


@pytest.fixture(params=sorted(DENOISERS))
def arch(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "diffusers":
        pytest.importorskip("diffusers")
    return name


@torch.no_grad()
@pytest.mark.parametrize("size", [(16, 16), (7, 9), (1, 3)])
def test_any_size_of_latents_keeps_its_size(arch: str, size: tuple[int, int]):
    out = a_denoiser(arch)(torch.randn(2, 3, *size), torch.rand(2), a_text())
    assert out.shape == (2, 3, *size)
    assert out.dtype == torch.float32
    assert out.isfinite().all()


@torch.no_grad()
def test_the_same_call_gives_the_same_answer(arch: str):
    denoiser, x, t = a_denoiser(arch), torch.randn(2, 3, 8, 8), torch.rand(2)
    assert torch.equal(denoiser(x, t, a_text()), denoiser(x, t, a_text()))
    assert torch.equal(denoiser(x, t, a_text()), a_denoiser(arch)(x, t, a_text()))


@torch.no_grad()
def test_a_latent_does_not_depend_on_its_neighbours_in_a_batch(arch: str):
    denoiser, x, t, text = a_denoiser(arch), torch.randn(3, 3, 8, 8), torch.rand(3), a_text(3)
    alone = denoiser(x[1:2], t[1:2], Text(*(part[1:2] for part in text)))
    torch.testing.assert_close(denoiser(x, t, text)[1:2], alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_time_and_caption_have_a_say(arch: str):
    denoiser, x, t, text = (
        a_denoiser(arch),
        torch.randn(2, 3, 8, 8),
        torch.full((2,), 0.4),
        a_text(),
    )
    plain = denoiser(x, t, text)
    assert not torch.allclose(plain, denoiser(x, t + 0.2, text))
    if arch not in POOLED_ONLY:
        assert not torch.allclose(plain, denoiser(x, t, text._replace(tokens=-text.tokens)))
    if arch not in TOKENS_ONLY:
        assert not torch.allclose(plain, denoiser(x, t, text._replace(pooled=-text.pooled)))


@torch.no_grad()
def test_what_lies_under_the_mask_has_no_say(arch: str):
    denoiser, x, t, text = a_denoiser(arch), torch.randn(2, 3, 8, 8), torch.rand(2), a_text()
    mask = text.mask.clone()
    mask[:, 3:] = False
    tokens = text.tokens.clone()
    tokens[:, 3:] = 99
    masked = denoiser(x, t, Text(text.tokens, mask, text.pooled))
    torch.testing.assert_close(denoiser(x, t, Text(tokens, mask, text.pooled)), masked)
    short = Text(text.tokens[:, :3], mask[:, :3], text.pooled)
    torch.testing.assert_close(denoiser(x, t, short), masked)


@torch.no_grad()
def test_a_left_out_caption_is_forgotten_and_its_neighbour_is_not(arch: str):
    denoiser, x, t, text = a_denoiser(arch), torch.randn(2, 3, 8, 8), torch.rand(2), a_text()
    half = text.keep(torch.tensor([True, False]))
    other = text._replace(tokens=-text.tokens, pooled=-text.pooled)
    out, without = denoiser(x, t, half), denoiser(x, t, other.without_caption())
    torch.testing.assert_close(out[1:], without[1:])
    torch.testing.assert_close(out[:1], denoiser(x, t, text)[:1])
    assert not torch.allclose(out[1:], denoiser(x, t, text)[1:])


def test_every_parameter_is_trained(arch: str):
    denoiser = a_denoiser(arch)
    half = a_text().keep(torch.tensor([True, False]))
    denoiser(torch.randn(2, 3, 8, 8), torch.rand(2), half).square().sum().backward()
    idle = [
        name
        for name, parameter in denoiser.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert not idle


@torch.no_grad()
@pytest.mark.parametrize("arch", START_AT_ZERO)
def test_a_new_network_predicts_zero(arch: str):
    out = a_denoiser(arch, trained=False)(torch.randn(2, 3, 8, 8), torch.rand(2), a_text())
    assert not out.any()


@pytest.mark.parametrize("arch", WITH_READER)
def test_an_own_transformer_reads_the_order_of_the_letters(arch: str):
    denoiser = a_denoiser(arch, text_layers=1)
    x, t, text = torch.randn(2, 3, 8, 8), torch.rand(2), a_text()
    plain = denoiser(x, t, text)
    turned = text._replace(tokens=text.tokens.flip(1))
    assert not torch.allclose(plain, denoiser(x, t, turned), atol=1e-6)
    padded = Text(
        torch.cat([text.tokens, torch.full((2, 2, TEXT_WIDTH), 9.0)], dim=1),
        torch.cat([text.mask, torch.zeros(2, 2, dtype=torch.bool)], dim=1),
        text.pooled,
    )
    torch.testing.assert_close(denoiser(x, t, padded), plain, atol=1e-5, rtol=1e-4)
    assert denoiser(x, t, text.without_caption()).isfinite().all()


def test_the_context_reaches_the_way_down_only_when_it_is_injected_both_ways():
    for inject, ways in (("up", {"inject_up"}), ("both", {"inject_up", "inject_down"})):
        torch.manual_seed(0)
        unet = ContextUnet(ContextConfig(features=16, text_width=TEXT_WIDTH, inject=inject))
        unet(torch.randn(2, 3, 8, 8), torch.rand(2), a_text()).square().sum().backward()
        reached = {
            name.split(".")[0]
            for name, parameter in unet.named_parameters()
            if ".context." in name and parameter.grad is not None and parameter.grad.any()
        }
        assert reached == ways


@torch.no_grad()
def test_at_the_courses_size_the_bottleneck_is_a_vector_that_unfolds_once():
    unet = ContextUnet(ContextConfig(features=16, text_width=TEXT_WIDTH))
    seen = []
    unet.unfold.register_forward_hook(lambda _module, args, out: seen.extend([args[0], out]))
    unet(torch.randn(1, 3, 16, 16), torch.rand(1), a_text(1))
    assert [tuple(one.shape) for one in seen] == [(1, 32, 1, 1), (1, 32, 4, 4)]


@torch.no_grad()
@pytest.mark.parametrize(("patch", "words"), [(1, "cross"), (2, "joint"), (1, "joint")])
def test_a_transformer_takes_its_words_beside_or_inside_the_sequence(patch: int, words: str):
    torch.manual_seed(0)
    config = DitConfig(
        width=48, depth=2, head_width=16, patch=patch, words=words, text_width=TEXT_WIDTH
    )
    dit = Dit(config)
    for parameter in dit.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x, t, text = torch.randn(2, 4, 7, 9), torch.rand(2), a_text()
    plain = dit(x, t, text)
    assert plain.shape == x.shape
    assert not torch.allclose(plain, dit(x, t, text._replace(tokens=-text.tokens)))
    # it has no order of words of its own: that is the encoder's matter
    turned = text._replace(tokens=text.tokens.flip(1))
    torch.testing.assert_close(dit(x, t, turned), plain, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_extra_channels_change_nothing_in_a_new_network_but_can_be_learned():
    torch.manual_seed(0)
    shape = UnetConfig(
        channels=(16, 32), attention_levels=(1,), head_width=16, text_width=TEXT_WIDTH
    )
    plain = Unet(shape).eval()
    for parameter in plain.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    wide = Unet(replace(shape, extra_channels=5)).eval()
    state = plain.state_dict()
    state["conv_in.weight"] = torch.cat(
        [state["conv_in.weight"], wide.conv_in.weight[:, 4:]], dim=1
    )
    wide.load_state_dict(state)
    x, t, text = torch.randn(2, 4, 8, 8), torch.rand(2), a_text()
    mask = torch.randn(2, 5, 8, 8)
    assert torch.equal(wide(torch.cat([x, mask], dim=1), t, text), plain(x, t, text))
    with torch.enable_grad():
        wide(torch.cat([x, mask], dim=1), t, text).sum().backward()
    assert wide.conv_in.weight.grad is not None
    assert wide.conv_in.weight.grad[:, 4:].any()


def test_a_shape_of_an_earlier_version_still_builds():
    model = {
        "latent_channels": 4, "channels": [16, 32], "blocks": 1, "attention_levels": [1],
        "head_width": 16, "condition_width": 32, "text_width": 384, "dropout": 0.0,
    }  # fmt: skip
    unet = build_denoiser("unet", model)
    names = list(unet.state_dict())
    assert names[:2] == ["no_token", "no_pooled"]
    assert {"time.0.weight", "text_norm.weight", "pooled.weight", "middle.look.scale"} <= set(names)
    assert not any(name.startswith("reader") for name in names)


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(InputError, match=r"denoiser bigger: is not known.*attention.*unet"):
        find_denoiser("bigger")
    with pytest.raises(ContractError, match=r"run-1: its DitConfig was written by another version"):
        build_denoiser("dit", {"channels": [16, 32]}, item="run-1")


@pytest.mark.nightly
def test_each_denoiser_learns_eight_images_by_heart(arch: str):
    # a transformer has to learn from nothing what neighbours are: it gets more width and longer
    more, steps = ({"width": 96}, 1200) if arch == "dit" else ({}, 600)
    denoiser = a_denoiser(arch, trained=False, **more).train()
    generator = torch.Generator().manual_seed(0)
    data, text = torch.randn(8, 3, 8, 8, generator=generator), a_text(8)
    optimiser = torch.optim.AdamW(denoiser.parameters(), lr=3e-3)
    cool = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=steps)
    losses = []
    for _ in range(steps):
        noise = torch.randn(data.shape, generator=generator)
        t = (torch.arange(8) + torch.rand(8, generator=generator)) / 8
        at = t[:, None, None, None]
        out = denoiser((1 - at) * data + at * noise, t, text)
        loss = (out - (noise - data)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        cool.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-50:]) / 50 < 0.1 * losses[0]
