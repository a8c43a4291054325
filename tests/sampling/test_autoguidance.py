from dataclasses import replace

import numpy as np
import pytest
import torch

from lowdiff.errors import InputError
from lowdiff.models.presets import tiny
from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.settings import Sampling
from lowdiff.sampling.snapshots import list_snapshots


def test_a_run_is_led_away_from_its_own_earlier_snapshot(lab):
    plan = tiny()
    train = replace(plan.unet.train, snapshot_every=4)
    run = lab.unet(lab.vae_run, replace(plan, unet=replace(plan.unet, train=train)))
    images = [one.images for one in list_snapshots(run.folder)]
    assert images[0] == 4 * train.batch_size

    def load(weak: int | None):
        return load_generator(run.folder, lab.vae_run.folder, device="cpu", weak=weak)

    plain, led = load(None), load(images[0] + 1)
    assert plain.weak is None
    assert led.weak is not None
    first, last = (dict(one.named_parameters()) for one in (led.weak, led.unet))
    assert any(not torch.equal(first[name], last[name]) for name in last)
    how = Sampling("euler", steps=3)
    drawn = [one.generate(["a circle"], seeds=[1], how=how)[0] for one in (plain, led)]
    assert (np.asarray(drawn[0]) != np.asarray(drawn[1])).any()
    with pytest.raises(InputError, match=rf"no snapshot up to 3 images.*{images[0]}"):
        load(3)
