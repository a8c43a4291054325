from pathlib import Path

import pytest
import torch

from lowdiff.errors import ServiceError
from lowdiff.models.presets import PRESETS, load_preset
from lowdiff.sampling.device import pick_accelerator
from lowdiff.training.choose import Machine, choose_preset, look_at_machine
from lowdiff.training.estimate import estimate_unet, estimate_vae
from lowdiff.training.space import check_space, disk_bytes, free_bytes

CPU = Machine(gpu_gib=None, cores=2, ram_gib=8)
SMALL, LARGE = Machine(11.9, 8, 32), Machine(79.0, 32, 256)


@pytest.mark.parametrize(
    ("images", "side_px", "machine", "preset"),
    [
        (1_000, 128, CPU, "demo"),
        (50_000, 2_000, CPU, "demo"),
        (10_000, 800, Machine(4.0, 8, 16), "demo"),
        (1_000, 800, SMALL, "base256-5m"),
        (3_000, 800, SMALL, "base256-20m"),
        (10_000, 800, SMALL, "base256"),
        (10_000, 800, LARGE, "pro800"),
        (1_500, 800, LARGE, "pro800-5m"),
        (10_000, 256, LARGE, "base256"),
    ],
)
def test_the_preset_suits_the_number_of_images_their_size_and_the_machine(
    images, side_px, machine, preset
):
    choice = choose_preset(images, side_px, machine)
    assert choice.preset == preset
    assert preset in PRESETS
    assert choice.reasons


def test_a_larger_dataset_never_gets_a_smaller_denoiser():
    sizes = []
    for images in (500, 2_000, 2_001, 6_000, 6_001, 20_000):
        preset = load_preset(choose_preset(images, 256, SMALL).preset)
        sizes.append(preset.unet.model.channels)
        limit = 5_000_000 if images <= 1_000 else 80_000_000
        with torch.device("meta"):
            from lowdiff.models.unet import Unet

            assert sum(one.numel() for one in Unet(preset.unet.model).parameters()) <= limit
    assert sizes == sorted(sizes)


def test_this_machine_can_be_looked_at():
    machine = look_at_machine("cpu")
    assert machine.gpu_gib is None
    assert machine.cores >= 1
    assert machine.ram_gib > 0.1


def test_an_estimate_counts_arithmetic_memory_and_disk():
    accelerator, preset = pick_accelerator("cpu"), load_preset("tiny")
    few = estimate_unet(preset, images=24, accelerator=accelerator)
    assert few.images == 48
    assert few.images_per_s > 0
    told = few.images / few.images_per_s * 1.1  # seconds are rounded to tenths
    assert few.seconds == pytest.approx(told, rel=0.01, abs=0.06)
    weights = 4 * few.parameters
    assert few.memory["weights"] == 4 * weights
    assert few.memory["averages"] == 2 * weights
    # the tensors that a backward pass needs are many times what goes in, and not the weights
    assert few.memory["activations"] > preset.unet.train.batch_size * 4 * 8 * 8 * 4 * 10
    many = estimate_unet(preset, images=2_400, accelerator=accelerator, steps=24)
    assert many.memory["examples"] == 100 * few.memory["examples"]
    assert (many.images, many.flops_per_image) == (96, few.flops_per_image)
    assert estimate_vae(preset, images=24, accelerator=accelerator).flops_per_image > 1e6


def test_the_flops_of_a_convolution_are_those_of_the_textbook():
    from lowdiff.training.estimate import _count

    with torch.device("meta"):
        network = torch.nn.Conv2d(3, 5, 3, padding=1, bias=False)
    flops, kept = _count(network, lambda rows, device: (torch.zeros(rows, 3, 8, 8, device=device),))
    assert flops == 3 * 2 * 64 * 3 * 5 * 9
    assert kept == 4 * 3 * 64  # its input


def test_a_batch_is_cut_until_it_fits():
    found = estimate_unet(load_preset("tiny"), images=24, accelerator=pick_accelerator("cpu"))
    rest = found.memory_bytes - found.memory["activations"]
    assert found.parts(found.memory_bytes) == 1
    assert found.parts(rest + found.memory["activations"] // 2 + 1) == 2
    assert found.parts(0) == found.batch_size


def test_a_disk_without_room_is_one_clear_error_before_anything_is_computed(tmp_path: Path):
    needed = disk_bytes(6_000_000, kept=2, snapshots=10)
    assert needed > 2 * 4 * 5 * 6_000_000
    with pytest.raises(ServiceError, match=r"0.00 GB free.*Free the disk"):
        check_space(tmp_path / "not" / "yet" / "there", needed, free=lambda _: 1000)
    check_space(tmp_path / "not" / "yet", 1)
    assert free_bytes(tmp_path) > 0
