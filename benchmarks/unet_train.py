"""A training step of our U-Net beside diffusers': `python -m benchmarks.unet_train`.

Both denoise 4 x 32 x 32 latents with 77 words of 384 values and have as many parameters (within
5 %). A step is all of it: noise, forward, loss, backward, clipped gradients, AdamW, weight average.
Three contestants take turns: ours as lowdiff trains it; UNet2DConditionModel as its scripts build
and run it (attention but at the coarsest level, contiguous tensors, float32, an average parameter
by parameter); and the same class tuned: attention at the coarse levels only, channels last,
bfloat16, fused AdamW, the average in one go. CPU-seconds count, of all threads together, so that
another program on the machine disturbs little; the median of the rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lowdiff.models.denoiser import Denoiser
from lowdiff.models.diffusers_unet import DiffusersConfig, DiffusersUnet
from lowdiff.models.ema import PowerEma
from lowdiff.models.text import Text
from lowdiff.models.unet import Unet, UnetConfig
from lowdiff.sampling.device import pick_accelerator, place

CELLS, CHANNELS, WORDS, TEXT_WIDTH = 32, 4, 77, 384
SLACK = 0.05
DECAY = 0.9999


@dataclass(frozen=True)
class Contestant:
    """One network and how it is trained.

    Attributes:
        average: takes the number of the step.
    """

    name: str
    module: Denoiser
    optimiser: torch.optim.Optimizer
    average: Callable[[int], None]
    precision: Callable[[], AbstractContextManager[object]]

    def step(self, number: int, batch: int, device: torch.device) -> None:
        """One step of the flow objective on latents that are drawn anew."""
        data = torch.randn(batch, CHANNELS, CELLS, CELLS, device=device)
        noise, t = torch.randn_like(data), torch.rand(batch, device=device)
        at = t[:, None, None, None]
        with self.precision():
            loss = self.loss((1 - at) * data + at * noise, t, noise - data, device)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimiser.step()
        self.average(number)

    def loss(self, x_t: Tensor, t: Tensor, target: Tensor, device: torch.device) -> Tensor:
        """Mean squared error with a caption per latent."""
        rows = len(x_t)
        mask = torch.ones(rows, WORDS, dtype=torch.bool, device=device)
        text = Text(
            torch.randn(rows, WORDS, TEXT_WIDTH, device=device),
            mask,
            torch.randn(rows, TEXT_WIDTH, device=device),
        )
        return (self.module(x_t, t, text) - target).square().mean()


def contestants(device: torch.device) -> Iterator[Contestant]:
    """Ours, theirs as their scripts have it, theirs tuned."""
    accelerator = pick_accelerator(device.type)

    def tuned(name: str, module: Denoiser) -> Contestant:
        module = place(module, device)
        ema, parameters = PowerEma(module, relative_std=0.08), list(module.parameters())
        return Contestant(
            name,
            module,
            torch.optim.AdamW(parameters, lr=1e-4, fused=True),
            lambda step: ema.update(parameters, step),
            accelerator.autocast,
        )

    theirs = DiffusersUnet(DiffusersConfig(channels=(64, 128, 256), text_width=TEXT_WIDTH))
    coarse = DiffusersUnet(
        DiffusersConfig(channels=(64, 128, 208), attention_levels=(1, 2), text_width=TEXT_WIDTH)
    )
    yield tuned("lowdiff unet", matched(count(theirs)))
    plain = theirs.to(device)
    kept = [one.detach().clone() for one in plain.parameters()]

    def average(_step: int) -> None:
        with torch.no_grad():
            for own, one in zip(kept, plain.parameters(), strict=True):
                own.sub_((1 - DECAY) * (own - one))

    yield Contestant(
        "diffusers, as in its scripts",
        plain,
        torch.optim.AdamW(plain.parameters(), lr=1e-4),
        average,
        nullcontext,
    )
    yield tuned("diffusers, tuned", coarse)


def matched(parameters: int) -> Unet:
    """Ours with as many parameters: the coarser levels take what is left.

    Raises:
        ValueError: no widths come near enough.
    """

    def parameters_of(config: UnetConfig) -> int:
        with torch.device("meta"):
            return count(Unet(config))

    shapes = [
        UnetConfig(channels=(64, middle, coarse), blocks=2, text_width=TEXT_WIDTH)
        for middle in (128, 160, 192)
        for coarse in range(192, 513, 32)
    ]
    nearest = min(shapes, key=lambda config: abs(parameters_of(config) - parameters))
    if abs(parameters_of(nearest) / parameters - 1) > SLACK:
        raise ValueError(f"no U-Net of {parameters:,} parameters within {SLACK:.0%}")
    return Unet(nearest)


def count(module: nn.Module) -> int:
    """Its parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def main() -> None:
    """Let them take turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    device = torch.device(args.device)
    field = list(contestants(device))
    seconds: dict[str, list[float]] = {one.name: [] for one in field}
    for number in range(args.rounds + 1):
        for one in field:
            start = now(device)
            one.step(number + 1, args.batch, device)
            if number:  # the first round warms up
                seconds[one.name].append(now(device) - start)
    ours = args.batch / statistics.median(seconds["lowdiff unet"])
    unit = "CPU-s" if device.type == "cpu" else "s"
    print(f"batch {args.batch}, {args.rounds} rounds, {torch.get_num_threads()} threads")
    for one in field:
        pace = args.batch / statistics.median(seconds[one.name])
        print(
            f"{one.name:30}{count(one.module) / 1e6:7.2f} M {pace:8.2f} images per {unit} "
            f"  ours is {ours / pace:.2f} times as fast"
        )


def now(device: torch.device) -> float:
    """CPU-seconds of this process; on a GPU the wall's, when it has done its work."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


if __name__ == "__main__":
    main()
