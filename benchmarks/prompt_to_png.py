"""From a prompt to a PNG of 800 x 800 pixels in 20 steps: ours beside diffusers.

    python -m benchmarks.prompt_to_png [--rounds 3] [--threads 2]

Ours: a run folder with a small denoiser (about 5 million weights on 16 x 50 x 50 latents) and the
autoencoder of the preset `pro800`, both with random weights; text encoder, UniPC, guidance in its
interval, decoding and the file are counted. The peer does the same with diffusers'
`UNet2DConditionModel` of like size on 4 x 100 x 100 latents, DPM-Solver++ and `AutoencoderTiny`,
guided at every step as its pipelines are; its prompt comes encoded. Rounds alternate, the median
counts. `cold` is ours as a new process: imports and weights from the disk as well.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from PIL import Image

from lowdiff.models.encoders import find_encoder
from lowdiff.models.presets import load_preset
from lowdiff.models.unet import Unet, UnetConfig
from lowdiff.models.vae import Vae, VaeConfig
from lowdiff.sampling.files import save_picture
from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.run_folder import CONFIG_FILE, WEIGHTS_FILE, weights_sha256
from lowdiff.sampling.settings import Sampling
from lowdiff.training.checkpoint import save_tensors

GOAL_S = 5.0
SIDE_PX = 800
STEPS = 20
GUIDANCE = 2.0
PROMPT = "a red fox beside a blue square, flat colours on a white ground"
NANO = UnetConfig(latent_channels=16, channels=(64, 128, 192))


def write_runs(folder: Path) -> None:
    """Two finished runs with random weights."""
    preset = load_preset("pro800")
    assert isinstance(preset.vae.model, VaeConfig)
    torch.manual_seed(0)
    vae, unet = Vae(preset.vae.model), Unet(NANO)
    with torch.no_grad():
        for parameter in unet.parameters():  # no zeros: they could be told apart by their speed
            parameter.add_(0.02 * torch.randn_like(parameter))
    save_tensors(vae.state_dict(), folder / "vae" / WEIGHTS_FILE)
    save_tensors(unet.state_dict(), folder / "unet" / WEIGHTS_FILE)
    told = {"kind": "vae", "model": asdict(preset.vae.model)}
    (folder / "vae" / CONFIG_FILE).write_text(json.dumps(told))
    encoder = find_encoder("minilm")
    told = {
        "kind": "unet",
        "model": asdict(NANO),
        "image_px": SIDE_PX,
        "objective": asdict(preset.unet.objective),
        "text_encoder": {"name": encoder.name, "version": encoder.version()},
        "dataset": {"digest": "0" * 64},
        "vae_run_id": "vae",
        "vae_sha256": weights_sha256(folder / "vae"),
    }
    (folder / "unet" / CONFIG_FILE).write_text(json.dumps(told))


def ours(folder: Path) -> Callable[[], None]:
    """Draw and write; the weights are loaded before."""
    generator = load_generator(folder / "unet", folder / "vae", device="cpu")
    how = Sampling("unipc", steps=STEPS, guidance=GUIDANCE)

    def draw() -> None:
        (picture,) = generator.generate([PROMPT], seeds=[0], how=how)
        assert picture.size == (SIDE_PX, SIDE_PX)
        save_picture(picture, folder / "ours.png", {"prompt": PROMPT})

    return draw


def peer(folder: Path) -> tuple[Callable[[], None], int]:
    """The same with diffusers, and the weights of its denoiser."""
    from diffusers import AutoencoderTiny, DPMSolverMultistepScheduler, UNet2DConditionModel

    unet = UNet2DConditionModel(
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(48, 96, 128),
        layers_per_block=1,
        cross_attention_dim=384,
        attention_head_dim=4,
        norm_num_groups=16,
    ).eval()
    vae, scheduler = AutoencoderTiny().eval(), DPMSolverMultistepScheduler()
    words = torch.randn(2, 16, 384)

    @torch.no_grad()
    def draw() -> None:
        scheduler.set_timesteps(STEPS)
        x = torch.randn(1, 4, SIDE_PX // 8, SIDE_PX // 8)
        for t in scheduler.timesteps:
            plain, strong = unet(torch.cat([x, x]), t, words).sample.chunk(2)
            x = scheduler.step(plain + GUIDANCE * (strong - plain), t, x).prev_sample
        pixels = ((vae.decode(x).sample[0] + 1) * 127.5).clamp(0, 255).byte().permute(1, 2, 0)
        Image.fromarray(pixels.numpy()).save(folder / "peer.png")

    return draw, sum(parameter.numel() for parameter in unet.parameters())


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds and CPU seconds."""
    started = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def main() -> None:
    """Print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.once:
        ours(options.once)()
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_runs(folder)
        (theirs, weights), mine = peer(folder), ours(folder)
        spent: dict[str, list[tuple[float, float]]] = {"lowdiff": [], "diffusers": []}
        for round_ in range(options.rounds + 1):  # the first warms up
            for name, draw in (("lowdiff", mine), ("diffusers", theirs)):
                found = timed(draw)
                if round_:
                    spent[name].append(found)
        again = [sys.executable, "-m", "benchmarks.prompt_to_png", "--once", str(folder)]
        command = [*again, "--threads", str(options.threads)]
        cold, _ = timed(lambda: subprocess.run(command, check=True) and None)
    own = sum(parameter.numel() for parameter in Unet(NANO).parameters())
    print(f"{options.threads} threads, {options.rounds} rounds, {STEPS} steps, {SIDE_PX} px")
    medians = {
        name: [statistics.median(part) for part in zip(*found, strict=True)]
        for name, found in spent.items()
    }
    for name, count in (("lowdiff", own), ("diffusers", weights)):
        wall, cpu = medians[name]
        print(f"{name:10} {count / 1e6:5.1f} M weights  {wall:6.2f} s  {cpu:6.2f} CPU s")
    print(f"ratio of CPU seconds: {medians['diffusers'][1] / medians['lowdiff'][1]:.1f}")
    met = "met" if medians["lowdiff"][0] <= GOAL_S else "missed"
    print(f"goal: {GOAL_S} s; ours: {medians['lowdiff'][0]:.2f} s, {met}; cold {cold:.2f} s")


if __name__ == "__main__":
    main()
