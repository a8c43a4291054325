"""What lowdiff does on a CUDA machine, in one command that goes on where it stopped.

`python -m benchmarks.gpu FOLDER [--budget-s 540] [--only step,sample] [--smoke]`

Run it again and again until it says that all is done: every part that is measured is kept in
FOLDER/results.json, and trainings go on from their checkpoints when the budget of a call is spent.

- `peak`: FLOP/s of a large bfloat16 matrix product, what all shares are shares of;
- `sync`: steps of our loop under `torch.cuda.set_sync_debug_mode("error")`: nothing may wait;
- `step`: images per second and share of the peak of the U-Net step of `base256`, plain, compiled
  and as CUDA graphs (goal: 30 %);
- `peers`: the loop of diffusers' script, encoders and all, and a tuned one (cached latents,
  bfloat16, channels last, compiled, fused AdamW, averages by foreach), both with a U-Net of 19 M
  parameters, beside ours of the same size (goals: 3 times and 1.5 times);
- `sample`: seconds for 1,024 pictures of 256 pixels, 10 Heun steps (goal: 10 s);
- `base256`: 10,000 drawn graphics to a trained model (goal: 20 minutes);
- `pro800`: images per second of both networks; the total is extrapolated (goal: 90 minutes).

`--smoke` runs the same code with toys, on a CPU too; its figures mean nothing.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.drawn_graphics import drawn
from benchmarks.gpu_bench import Bench, Paused
from benchmarks.text_to_image_loop import CHANNELS, IMAGES, Ours, Peer, cached_task, peer_unet
from lowdiff.catalog import open_catalog
from lowdiff.models.denoisers import build_denoiser
from lowdiff.models.objectives.objective import Objective
from lowdiff.models.presets import load_preset
from lowdiff.models.text import Text
from lowdiff.models.vae import Vae
from lowdiff.sampling.device import pick_accelerator, place
from lowdiff.sampling.noise import noise_of
from lowdiff.sampling.sample import Drawer, sample
from lowdiff.sampling.settings import Sampling
from lowdiff.training.estimate import estimate_unet, estimate_vae
from lowdiff.training.launch import Launch
from lowdiff.training.loop import Loop
from lowdiff.training.progress import Progress
from lowdiff.training.unet import train_unet
from lowdiff.training.vae import train_vae
from lowdiff.workspace import Workspace


def peak(bench: Bench) -> dict[str, Any]:
    """FLOP/s of one bfloat16 matrix product."""
    size = 128 if bench.smoke else 8192
    a, b = (torch.randn(size, size, device=bench.accelerator.device).bfloat16() for _ in range(2))
    taken = bench.seconds(lambda: a @ b, repeats=20)
    return {"size": size, "tflops": round(2 * size**3 / taken / 1e12, 3)}


def sync(bench: Bench) -> dict[str, Any]:
    """Five steps in which torch raises where the CPU waits for the GPU."""
    loop = _loop(bench, Launch(), batch=4)
    for step in range(3):
        loop._step(step)  # what comes once may wait
    cuda = bench.accelerator.device.type == "cuda"
    if cuda:
        torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(3, 8):
            loop._step(step)
    finally:
        if cuda:
            torch.cuda.set_sync_debug_mode("default")
    return {"steps": 5, "waits": 0 if cuda else "not asked: no GPU"}


def step(bench: Bench) -> dict[str, Any]:
    """Images per second of the U-Net step, and its share of the peak."""
    batch = 4 if bench.smoke else 512
    flops = estimate_unet(
        bench.preset, images=IMAGES, accelerator=bench.accelerator
    ).flops_per_image
    figures: dict[str, Any] = {"batch": batch, "gflop_per_image": round(flops / 1e9, 2)}
    tflops = float(bench.read()["peak"]["tflops"])
    for compiled in ("off", "on", "graphs"):
        loop = _loop(bench, Launch(compile=compiled), batch=batch)  # type: ignore[arg-type]
        if loop.launch.compiles_on(bench.accelerator.device):
            loop.task.compile(loop.launch.compiled)
        taken = bench.seconds(_steps_of(loop), repeats=3 if bench.smoke else 20)
        rate = batch / taken
        figures[compiled] = {
            "images_per_s": round(rate, 1),
            "share_of_peak": round(rate * flops / 1e12 / tflops, 4),
        }
        bench.check_time()
    return figures


def peers(bench: Bench) -> dict[str, Any]:
    """The published loop, a tuned one, and ours, at equal parameters."""
    batch, side = (2, 32) if bench.smoke else (64, 256)
    repeats = 1 if bench.smoke else 10
    channels = (16, 32, 32) if bench.smoke else CHANNELS
    script = Peer(side=side, batch=batch, accelerator=bench.accelerator)
    times = {
        "script": bench.seconds(lambda: script.step(low_precision=True), repeats=repeats),
        "script_float32": bench.seconds(lambda: script.step(low_precision=False), repeats=repeats),
    }
    del script
    times["tuned"] = bench.seconds(_tuned(bench, batch=batch, cells=side // 8), repeats=repeats)
    ours = Ours(
        _new(bench, "peers"), side=side, batch=batch, accelerator=bench.accelerator,
        channels=channels,
    )  # fmt: skip
    if bench.accelerator.device.type == "cuda":
        ours.task.compile(Launch(compile="on").compiled)
    times["ours"] = bench.seconds(ours.step, repeats=repeats)
    rates = {name: round(batch / taken, 2) for name, taken in times.items()}
    ratios = {f"over_{name}": round(rates["ours"] / rate, 2) for name, rate in rates.items()}
    return {"batch": batch, "images_per_s": rates, **ratios}


def _tuned(bench: Bench, *, batch: int, cells: int) -> Callable[[], None]:
    """diffusers' U-Net with everything that its script leaves out."""
    from diffusers.training_utils import EMAModel

    device = bench.accelerator.device
    unet: Any = peer_unet(cells, context_width=384).to(device, memory_format=torch.channels_last)
    model: Any = torch.compile(unet) if device.type == "cuda" else unet
    average: Any = EMAModel(unet.parameters(), foreach=True)
    optimiser = torch.optim.AdamW(unet.parameters(), lr=1e-4, fused=True)
    latents = torch.randn(IMAGES, 4, cells, cells, device=device)
    words = torch.randn(IMAGES, 32, 384, device=device)

    def run() -> None:
        rows = torch.randint(IMAGES, (batch,), device=device)
        noise = torch.randn(batch, 4, cells, cells, device=device)
        times = torch.randint(0, 1000, (batch,), device=device)
        mixed = (latents[rows] + noise).contiguous(memory_format=torch.channels_last)
        with bench.accelerator.autocast():
            found: Tensor = model(mixed, times, words[rows], return_dict=False)[0]
        (found.float() - noise).square().mean().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        average.step(unet.parameters())

    return run


def draw_many(bench: Bench) -> dict[str, Any]:
    """Seconds from noise and captions to pictures, with random weights."""
    count, batch = (4, 2) if bench.smoke else (1024, 256)
    preset, device = bench.preset, bench.accelerator.device
    model: Any = preset.unet.model
    denoiser = place(build_denoiser(preset.unet.arch, model), device).eval()
    vae = place(Vae(preset.vae.model), device).eval()
    cells = preset.image_px // preset.vae.model.factor
    width = model.text_width
    text = Text(
        torch.randn(batch, 32, width, device=device),
        torch.ones(batch, 32, dtype=torch.bool, device=device),
        torch.randn(batch, width, device=device),
    )
    drawer = Drawer(Objective(preset.unet.objective), denoiser, Sampling("heun", steps=10))

    @torch.no_grad()
    def draw() -> None:
        for start in range(0, count, batch):
            seeds = range(start, start + batch)
            noise = noise_of(seeds, (model.latent_channels, cells, cells)).to(device)
            with bench.accelerator.autocast():
                vae.decode(sample(drawer, text, noise, seeds=seeds))

    return {"pictures": count, "seconds": round(bench.seconds(draw, repeats=2), 3)}


def base256(bench: Bench) -> dict[str, Any]:
    """From images to a trained model; pauses where the budget is spent."""
    root = bench.folder / "base256"
    space = Workspace(root).create()
    catalog = open_catalog(space)
    spent = {"images": 0.0, **bench.read().get("base256_so_far", {})}
    started = time.monotonic()

    def watch(_: Progress) -> None:
        bench.check_time()

    common: dict[str, Any] = {
        "preset": bench.preset, "workspace": space, "catalog": catalog, "on_progress": watch,
        "device": str(bench.accelerator.device),
    }  # fmt: skip
    if bench.accelerator.device.type == "cuda":
        common["launch"] = Launch(compile="on")
    try:
        version = drawn(
            space, catalog, count=24 if bench.smoke else 10_000, side=bench.preset.image_px
        )
        vae = train_vae(version, **common)
        unet = train_unet(version, vae_dir=vae.folder, **common)
    finally:
        spent["images"] += time.monotonic() - started
        bench.keep("base256_so_far", spent)
        catalog.close()
    return {
        "images": version.rows("train"),
        "seconds": round(spent["images"], 1),
        "vae": vae.summary,
        "unet": unet.summary,
        "run": str(unet.folder),
    }


def pro800(bench: Bench) -> dict[str, Any]:
    """Images per second of both networks, and what a whole run would take."""
    preset = load_preset("tiny" if bench.smoke else "pro800")
    found = {
        "vae": estimate_vae(
            replace(preset, image_px=min(preset.image_px, 256)), images=10_000,
            accelerator=bench.accelerator,
        ),
        "unet": estimate_unet(preset, images=10_000, accelerator=bench.accelerator),
    }  # fmt: skip
    minutes = sum(one.seconds for one in found.values()) / 60
    return {
        "images_per_s": {name: one.images_per_s for name, one in found.items()},
        "extrapolated_minutes": round(minutes, 1),
    }


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "peak": peak, "sync": sync, "step": step, "peers": peers, "sample": draw_many,
    "base256": base256, "pro800": pro800,
}  # fmt: skip


def _loop(bench: Bench, launch: Launch, *, batch: int) -> Loop:
    preset = bench.preset
    plan = replace(preset.unet.train, batch_size=batch, steps=1_000_000)
    preset = replace(preset, unet=replace(preset.unet, train=plan))
    cells = preset.image_px // preset.vae.model.factor
    folder = _new(bench, f"loop-{launch.compile}")
    task = cached_task(preset, folder, cells=cells, accelerator=bench.accelerator)
    return Loop(
        task, plan, steps=plan.steps, seed=0, folder=folder, accelerator=bench.accelerator,
        launch=launch,
    )  # fmt: skip


def _steps_of(loop: Loop) -> Callable[[], object]:
    """Takes the next step at every call."""
    steps = iter(range(1_000_000))
    return lambda: loop._step(next(steps))


def _new(bench: Bench, name: str) -> Path:
    folder = bench.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> None:
    """Measure what is not measured yet, as far as the budget reaches."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budget-s", type=float, default=540)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--device", default=None)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        options.folder, pick_accelerator(options.device), options.smoke,
        time.monotonic() + options.budget_s,
    )  # fmt: skip
    bench.keep("machine", {**bench.accelerator.describe(), "torch": torch.__version__,
                           "smoke": options.smoke})  # fmt: skip
    for part in options.only.split(","):
        if part in bench.read():
            continue
        try:
            bench.check_time()
            bench.keep(part, PARTS[part](bench))
        except Paused:
            print(f"the budget is spent in `{part}`: run the same command again")
            return
        print(json.dumps({part: bench.read()[part]}))
    print(f"all is done: {bench.results}")


if __name__ == "__main__":
    main()
