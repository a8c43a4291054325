"""Decode latents to 800 x 800 pixels: ours beside diffusers' autoencoders.

    python -m benchmarks.decode800 [--rounds 3] [--threads 2] [--few]

Ours is the decoder of the preset `pro800` (16 x 50 x 50 latents); the peers are diffusers'
`AutoencoderKL` at the size of Stable Diffusion's and `AutoencoderTiny` (4 x 100 x 100 latents: as
many values). All have random weights, which changes no time. Rounds alternate; the median counts.
Every decoder runs in float32, and in bfloat16 where the CPU multiplies it. CPU seconds are of all
threads; `--few` leaves out the large peer, which takes minutes.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch

from lowdiff.models.presets import load_preset
from lowdiff.models.vae import Vae, VaeConfig
from lowdiff.sampling.device import pick_accelerator, place

GOAL_S = 0.5
SIDE_PX = 800
Decode = Callable[[], torch.Tensor]


def ours() -> Decode:
    """The decoder of `pro800`, its convolutions with the channels last in memory."""
    config = load_preset("pro800").vae.model
    assert isinstance(config, VaeConfig)
    vae = place(Vae(config), "cpu").eval()
    cells = SIDE_PX // config.factor
    latents = torch.randn(1, config.latent_channels, cells, cells)
    return lambda: vae.decode(latents)


def peer(name: str) -> Decode:
    """A decoder of diffusers with its defaults, as its users run it."""
    from diffusers import AutoencoderKL, AutoencoderTiny

    sd = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "latent_channels": 4,
    }
    model = AutoencoderKL(**sd) if name == "AutoencoderKL" else AutoencoderTiny()
    latents = torch.randn(1, 4, SIDE_PX // 8, SIDE_PX // 8)
    decoder = model.eval()
    return lambda: decoder.decode(latents).sample


def main() -> None:
    """Print a table; the last column is the time over ours in the same precision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--few", action="store_true", help="without AutoencoderKL")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    decoders = {"lowdiff pro800": ours()}
    for name in ("AutoencoderTiny",) if options.few else ("AutoencoderTiny", "AutoencoderKL"):
        decoders[name] = peer(name)
    low = pick_accelerator("cpu").low_precision
    precisions = {"float32": None} | ({"bfloat16": low} if low else {})
    seconds: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for round_ in range(options.rounds + 1):  # the first warms up
        for name, decode in decoders.items():
            for precision, kind in precisions.items():
                if round_ == 0 and name == "AutoencoderKL":
                    continue
                started = time.perf_counter(), time.process_time()
                with torch.no_grad(), torch.autocast("cpu", kind) if kind else nullcontext():
                    pixels = decode()
                assert pixels.shape == (1, 3, SIDE_PX, SIDE_PX)
                spent = time.perf_counter() - started[0], time.process_time() - started[1]
                if round_:
                    seconds.setdefault((name, precision), []).append(spent)
    print(f"{options.threads} threads, {options.rounds} rounds, {SIDE_PX} x {SIDE_PX} pixels")
    for (name, precision), spent in seconds.items():
        wall, cpu = (statistics.median(part) for part in zip(*spent, strict=True))
        base = statistics.median(cpu for _, cpu in seconds["lowdiff pro800", precision])
        print(f"{name:16} {precision:9} {wall:7.2f} s  {cpu:7.2f} CPU s  x {cpu / base:5.1f}")
    best = min(
        statistics.median(wall for wall, _ in seconds["lowdiff pro800", one]) for one in precisions
    )
    print(f"goal: {GOAL_S} s; ours: {best:.2f} s, {'met' if best <= GOAL_S else 'missed'}")


if __name__ == "__main__":
    main()
