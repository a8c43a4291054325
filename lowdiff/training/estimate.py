"""What a training run will take, before it starts: arithmetic, time, memory, disk.

The arithmetic is counted on the meta device, where nothing is computed; the pace is that of a step
or two of this very network on this very device.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lowdiff.models.autoencoders import build_autoencoder
from lowdiff.models.denoisers import build_denoiser
from lowdiff.models.presets import Preset, TrainConfig
from lowdiff.models.text import Text
from lowdiff.models.vae import Vae
from lowdiff.sampling.device import Accelerator, place
from lowdiff.training.space import disk_bytes

WORDS = 32
"""Tokens of the captions of an estimate."""
PROBE_S = 1.0
BACKWARD = 3
"""A training step costs about three forward passes."""
OTHER_SHARE = 1.1
"""Optimiser, averages, validation and samples on top of the passes."""
GIB = 2**30

Inputs = Callable[[int, torch.device], tuple[Any, ...]]


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        model: `vae` or `unet`.
        images: that the run will see, each as often as it comes.
        flops_per_image: of a training step, forward and backward.
        images_per_s: measured in a step or two on this device.
        seconds: of the whole run; within a third or so.
        memory: bytes by what they hold: `weights` (with gradients and optimiser), `averages`,
            `examples` (latents or pixels on the device), `activations` (of a batch).
        disk: bytes that the run folder will need at most.
    """

    model: str
    preset: str
    parameters: int
    images: int
    batch_size: int
    flops_per_image: float
    images_per_s: float
    seconds: float
    memory: dict[str, int]
    disk: int

    @property
    def memory_bytes(self) -> int:
        """All of it."""
        return sum(self.memory.values())

    def parts(self, free: int) -> int:
        """Into how many parts a batch must be cut to fit into so many bytes; a power of two."""
        left = free - (self.memory_bytes - self.memory["activations"])
        parts = 1
        while parts < self.batch_size and self.memory["activations"] / parts > left:
            parts *= 2
        return parts

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "memory_bytes": self.memory_bytes}

    def in_words(self) -> str:
        """For a person."""
        rate = self.flops_per_image * self.images_per_s
        parts = ", ".join(f"{name} {size / GIB:.2f}" for name, size in self.memory.items())
        return (
            f"{self.model}, preset {self.preset}: {self.parameters / 1e6:.1f} M parameters, "
            f"{self.images:,} images to see in batches of {self.batch_size}\n"
            f"  about {_duration(self.seconds)} ({self.images_per_s:.1f} images/s, "
            f"{self.flops_per_image / 1e9:.1f} GFLOP each, {rate / 1e12:.2f} TFLOP/s measured)\n"
            f"  about {self.memory_bytes / GIB:.2f} GB of memory ({parts})\n"
            f"  at most {self.disk / GIB:.2f} GB on disk"
        )


def estimate_vae(preset: Preset, *, images: int, accelerator: Accelerator) -> Estimate:
    """What the autoencoder of a preset will take on so many training images."""
    side, whole = preset.vae.crop_px or preset.image_px, preset.image_px

    def build() -> nn.Module:
        return _Reconstruct(build_autoencoder(preset.vae.arch, preset.vae.model))

    def inputs(rows: int, device: torch.device) -> tuple[Any, ...]:
        return (torch.zeros(rows, 3, side, side, device=device),)

    return _estimate(
        "vae", preset, preset.vae.train, build, inputs,
        steps=preset.vae.train.steps, examples=images * whole * whole * 3, accelerator=accelerator,
    )  # fmt: skip


def estimate_unet(
    preset: Preset, *, images: int, accelerator: Accelerator, steps: int | None = None
) -> Estimate:
    """What the denoiser of a preset will take on so many training images.

    Args:
        steps: of the run; default: the plan's.
    """
    recipe = preset.unet
    model: Any = recipe.model
    cells = -(-preset.image_px // preset.vae.model.factor)
    shape = (model.latent_channels, cells, cells)
    channels_in = shape[0] + int(getattr(model, "extra_channels", 0))

    def inputs(rows: int, device: torch.device) -> tuple[Any, ...]:
        width = model.text_width
        text = Text(
            torch.zeros(rows, WORDS, width, device=device),
            torch.ones(rows, WORDS, dtype=torch.bool, device=device),
            torch.zeros(rows, width, device=device),
        )
        latents = torch.zeros(rows, channels_in, *shape[1:], device=device)
        return latents, torch.full((rows,), 0.5, device=device), text

    copies = 1 + (recipe.augment.copies if recipe.augment.share else 0)
    latents = shape[0] * shape[1] * shape[2] * 4 * 2 * copies
    each = latents + WORDS * 2 * model.text_width
    return _estimate(
        "unet", preset, recipe.train, lambda: build_denoiser(recipe.arch, recipe.model), inputs,
        steps=steps or recipe.train.steps, examples=images * each,
        accelerator=accelerator,
    )  # fmt: skip


class _Reconstruct(nn.Module):
    """An autoencoder as a network with one pass."""

    def __init__(self, vae: Vae) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, images: Tensor) -> Tensor:
        """In and out again."""
        return self.vae.raw_decode(self.vae.raw_moments(images)[0])


def _estimate(
    kind: str, preset: Preset, plan: TrainConfig, build: Callable[[], nn.Module], inputs: Inputs, *,
    steps: int, examples: int, accelerator: Accelerator,
) -> Estimate:  # fmt: skip
    with torch.device("meta"):
        network = build()
    flops, activations = _count(network, inputs)
    parameters = sum(one.numel() for one in network.parameters())
    rate = measure_pace(build, inputs, accelerator, most=plan.batch_size)
    kept = len(plan.ema_stds or (plan.ema_std,))
    seen = steps * plan.batch_size
    halves = 0.6 if accelerator.low_precision is not None else 1.0
    snapshots = steps // plan.snapshot_every if plan.snapshot_every else 0
    return Estimate(
        model=kind,
        preset=preset.name,
        parameters=parameters,
        images=seen,
        batch_size=plan.batch_size,
        flops_per_image=flops,
        images_per_s=round(rate, 2),
        seconds=round(seen / rate * OTHER_SHARE, 1),
        memory={
            "weights": 4 * 4 * parameters,  # weights, gradients, two moments
            "averages": 4 * kept * parameters,
            "examples": examples,
            "activations": int(activations * halves) * plan.batch_size,
        },
        disk=disk_bytes(parameters, kept=kept, snapshots=snapshots),
    )


def _count(network: nn.Module, inputs: Inputs) -> tuple[float, int]:
    """FLOPs of a training step and bytes kept for the backward pass, for one image."""
    args = inputs(1, torch.device("meta"))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(*args)
    # storages are held while they are counted, so that no other takes the address of one
    own = {one.untyped_storage()._cdata: one for one in network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = network(*args)
    size = sum(storage.nbytes() for storage in kept.values())
    del out
    return BACKWARD * float(counter.get_total_flops()), size


def measure_pace(
    build: Callable[[], nn.Module], inputs: Inputs, accelerator: Accelerator, *, most: int
) -> float:
    """Images per second through forward and backward, in about two seconds.

    Args:
        most: rows that are tried at once at most.
    """
    device = accelerator.device
    network = place(build(), device)

    def step(rows: int) -> float:
        args = inputs(rows, device)
        started = time.perf_counter()
        with accelerator.autocast():
            out = cast(Tensor, network(*args))
        out.float().square().mean().backward()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        network.zero_grad(set_to_none=True)
        return time.perf_counter() - started

    step(1)  # the first pays for much that comes once
    alone = step(1)
    rows = max(1, min(most, int(PROBE_S / max(alone, 1e-6))))
    if rows == 1:
        return 1 / alone
    step(rows) if device.type == "cuda" else None
    return rows / step(rows)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
