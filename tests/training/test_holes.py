import json
from dataclasses import replace

import pytest
import torch

from lowdiff.catalog import Catalog
from lowdiff.datasets.read import Version
from lowdiff.models.presets import tiny
from lowdiff.sampling.load import load_denoiser
from lowdiff.sampling.load_generator import load_generator
from lowdiff.training.holes import random_holes, told_of
from lowdiff.workspace import Workspace
from tests.training.trained import Lab, weights


def holes(count: int = 512) -> torch.Tensor:
    return random_holes(count, (12, 20), torch.Generator().manual_seed(0))


def test_holes_are_of_many_sizes_and_sometimes_everything():
    share = holes().mean(dim=(1, 2, 3))
    assert set(holes().unique().tolist()) == {0, 1}
    assert float(share.min()) < 0.1
    assert 0.05 < float((share == 1).float().mean()) < 0.2
    assert 0.25 < float(share.mean()) < 0.65


def test_the_same_generator_draws_the_same_holes():
    assert torch.equal(holes(8), holes(8))


def test_what_is_in_a_hole_is_not_told():
    data, where = torch.randn(4, 3, 12, 20), holes(4)
    told = told_of(where, data)
    assert torch.equal(told, told_of(where, torch.where(where > 0, torch.randn_like(data), data)))
    assert torch.equal(told[:, :1], where)
    assert torch.equal(told[:, 1:], data * (where == 0))


@pytest.fixture
def lab(version: Version, workspace: Workspace, catalog: Catalog) -> Lab:
    return Lab(version, workspace, catalog)


def test_an_ordinary_denoiser_learns_to_fill_holes_in_addition(lab: Lab):
    vae = lab.vae()
    parent = lab.unet(vae)
    plan = tiny()
    still = replace(plan.unet.train, learning_rate=0.0, weight_decay=0.0)
    for train in (still, plan.unet.train):
        preset = replace(plan, unet=replace(plan.unet, inpaint=True, train=train))
        child = lab.unet(vae, preset, parent=parent.folder)
        own, theirs = weights(child), weights(parent)
        known = theirs["conv_in.weight"].shape[1]
        assert own["conv_in.weight"].shape[1] == known + 1 + 4
        added = own["conv_in.weight"][:, known:]
        if train is still:  # it starts as its parent, deaf to what it will be told
            assert float(added.abs().max()) == 0
            old = own["conv_in.weight"][:, :known]
            torch.testing.assert_close(old, theirs["conv_in.weight"], rtol=1e-3, atol=1e-5)
        else:
            assert float(added.abs().max()) > 0
    assert json.loads((child.folder / "config.json").read_text())["inpaint"] is True
    assert load_denoiser(child.folder).config.extra_channels == 5
    assert load_generator(child.folder, vae.folder, device="cpu").told_of_holes
    assert (child.folder / "samples" / "step_000006.png").is_file()
