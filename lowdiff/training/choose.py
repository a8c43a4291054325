"""Which preset suits a dataset and a machine, when nobody says."""

import os
from dataclasses import dataclass

import psutil
import torch

from lowdiff.datasets.read import Version
from lowdiff.sampling.device import pick_accelerator

GIB = 2**30
SMALL_GPU_GIB, LARGE_GPU_GIB = 7.5, 22.0
"""Less than 8 and 24 GB: a GPU never offers quite what its box says."""
LARGE_PX = 600
FEW, SOME = 2_000, 6_000
"""Training images up to which the smallest and the middle denoiser are taken."""


@dataclass(frozen=True)
class Machine:
    """What there is to train on.

    Attributes:
        gpu_gib: memory of the GPU; None without one.
        cores: of the CPU.
        ram_gib: memory of the machine.
    """

    gpu_gib: float | None
    cores: int
    ram_gib: float


@dataclass(frozen=True)
class Choice:
    """A preset and why."""

    preset: str
    reasons: list[str]


def look_at_machine(device: str | None = None) -> Machine:
    """What there is here.

    Raises:
        InputError: there is no such device.
    """
    accelerator = pick_accelerator(device)
    gpu = None
    if accelerator.device.type == "cuda":
        gpu = torch.cuda.get_device_properties(accelerator.device).total_memory / GIB
    return Machine(gpu, os.cpu_count() or 1, psutil.virtual_memory().total / GIB)


def choose_preset(images: int, side_px: int, machine: Machine) -> Choice:
    """The preset for so many training images.

    A model that is large for its data copies it sooner, so few images get a small denoiser: up to
    2,000 one of about 5 M parameters, up to 6,000 one of 20 M, then 36 to 53 M.

    Args:
        side_px: the longer side of the images, of the median one.
    """
    if machine.gpu_gib is None or machine.gpu_gib < SMALL_GPU_GIB:
        where = (
            f"{machine.cores} CPU cores and no GPU"
            if machine.gpu_gib is None
            else f"a GPU of {machine.gpu_gib:.0f} GB"
        )
        return Choice("demo", [f"{where}: pictures of 64 pixels, minutes to some hours"])
    large = machine.gpu_gib >= LARGE_GPU_GIB and side_px >= LARGE_PX
    name = "pro800" if large else "base256"
    reasons = [f"a GPU of {machine.gpu_gib:.0f} GB and images of {side_px} pixels: {name}"]
    if images <= FEW:
        size, parameters = "-5m", "about 5 M"
    elif images <= SOME:
        size, parameters = "-20m", "about 20 M"
    else:
        size, parameters = "", "36 to 53 M"
    reasons.append(f"{images:,} training images: a denoiser of {parameters} parameters")
    return Choice(name + size, reasons)


def choose_for(version: Version, machine: Machine) -> Choice:
    """The preset for a dataset version on a machine."""
    return choose_preset(version.rows("train"), median_side_px(version), machine)


def median_side_px(version: Version) -> int:
    """The longer side of the median training image, as the version holds it; 0 when unknown."""
    known = {"width_px", "height_px"} <= set(version.manifest.get("columns", []))
    exported = int(version.manifest.get("recipe", {}).get("image_px", 0))
    if not known:
        return exported
    sides = version.read("train", ["width_px", "height_px"]).max(axis=1)
    if sides.empty:
        return exported
    median = int(sides.median())
    return min(median, exported) if exported else median
