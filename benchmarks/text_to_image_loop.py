"""A training step of ours, end to end, beside that of diffusers' `train_text_to_image` script.

`python -m benchmarks.text_to_image_loop [--batch 2] [--rounds 3] [--side 256]`

The peer is the script's loop, written from its published description with diffusers' own models:
every step encodes the pictures with the frozen autoencoder (Stable Diffusion's size) and the
captions with the frozen text encoder (CLIP ViT-L/14's text tower), draws uniform times, predicts
the noise with a `UNet2DConditionModel` of 19.4 M parameters, clips, steps AdamW and updates an
average. All weights are random, which costs the same. Ours reads cached latents and captions and
trains a U-Net of as many parameters (within 1 %) with the loop that `lowdiff train unet` runs.
Rounds alternate; the medians count. Loading and decoding of files, which the peer's script also
does at every step, is left out of both.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lowdiff.models.denoisers import build_denoiser
from lowdiff.models.presets import Preset, load_preset
from lowdiff.models.unet import UnetConfig
from lowdiff.models.vae import Posterior, Vae
from lowdiff.sampling.device import Accelerator, pick_accelerator, place
from lowdiff.training.augment import PARAMETERS
from lowdiff.training.captions import Captions
from lowdiff.training.denoise import UnetTask
from lowdiff.training.examples import Bucket, Examples
from lowdiff.training.loop import Loop
from lowdiff.training.texts import encode_texts

IMAGES = 64
CHANNELS = (96, 160, 288)
CLIP_WORDS, CLIP_WIDTH = 77, 768


def main() -> None:
    """Take turns, print medians."""
    options = _options()
    torch.manual_seed(0)
    accelerator = pick_accelerator(options.device)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(Path(folder), side=options.side, batch=options.batch, accelerator=accelerator)
        peer = Peer(side=options.side, batch=options.batch, accelerator=accelerator)
        contestants: dict[str, Callable[[], None]] = {
            "ours": ours.step,
            "script, float32": lambda: peer.step(low_precision=False),
        }
        if accelerator.low_precision is not None:
            contestants["script, bfloat16"] = lambda: peer.step(low_precision=True)
        times = take_turns(contestants, rounds=options.rounds)
    print(
        f"{options.batch} images of {options.side} px a step, {torch.get_num_threads()} threads, "
        f"{accelerator.describe()['device_name']}, {options.rounds} rounds after one to warm up"
    )
    print(f"denoiser: ours {ours.parameters / 1e6:.1f} M, theirs {peer.parameters / 1e6:.1f} M")
    best = statistics.median(wall for wall, _ in times["ours"])
    best_cpu = statistics.median(cpu for _, cpu in times["ours"])
    print(f"{'':<18}{'s/step':>9}{'CPU-s':>9}{'img/s':>9}{'ours is':>10}{'by CPU':>10}")
    for name, taken in times.items():
        wall = statistics.median(one for one, _ in taken)
        cpu = statistics.median(one for _, one in taken)
        print(
            f"{name:<18}{wall:>9.3f}{cpu:>9.3f}{options.batch / wall:>9.2f}"
            f"{wall / best:>9.1f}x{cpu / best_cpu:>9.1f}x"
        )


def take_turns(
    contestants: dict[str, Callable[[], None]], *, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of every step but the first of each."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, step in contestants.items():
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if number:
                times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return times


class Ours:
    """The loop of `lowdiff train unet` on latents and captions that were encoded before."""

    def __init__(
        self, folder: Path, *, side: int, batch: int, accelerator: Accelerator,
        channels: tuple[int, ...] = CHANNELS,
    ) -> None:  # fmt: skip
        preset = load_preset("base256")
        model = UnetConfig(channels=channels, blocks=2)
        plan = replace(preset.unet.train, batch_size=batch, steps=1_000_000)
        preset = replace(preset, unet=replace(preset.unet, model=model, train=plan))
        self.task = cached_task(preset, folder, cells=side // 8, accelerator=accelerator)
        self.loop = Loop(
            self.task, plan, steps=plan.steps, seed=0, folder=folder, accelerator=accelerator
        )
        self.parameters = sum(one.numel() for one in self.loop.parameters)
        self.done = 0

    def step(self) -> None:
        """One step, as the loop takes it."""
        self.loop._step(self.done)
        self.done += 1


def cached_task(
    preset: Preset, folder: Path, *, cells: int, accelerator: Accelerator, images: int = IMAGES
) -> UnetTask:
    """A denoiser's task on random latents and real captions, on the device."""
    device, channels = accelerator.device, preset.vae.model.latent_channels
    shape = (images, channels, cells, cells)
    posterior = Posterior(torch.randn(shape, device=device), torch.full(shape, 0.1, device=device))
    told = torch.zeros(images, len(PARAMETERS), device=device)
    captions = Captions(
        [f"A drawn thing, number {i}, on a plain ground, in one colour." for i in range(images)],
        [f"A drawn thing {i}" for i in range(images)],
        [[f"Number {i}, a drawn thing." for i in range(images)]],
    )
    examples = Examples([Bucket(posterior, torch.arange(images, device=device), told)], captions)
    texts = encode_texts(
        [text for form in captions.forms() for text in form],
        preset.unet.text_encoder, cache=folder, device=device,
    )  # fmt: skip
    denoiser = place(build_denoiser(preset.unet.arch, preset.unet.model), device)
    with torch.device("meta"):
        vae = Vae(preset.vae.model)  # only asked for pictures, which nobody draws here
    return UnetTask(
        denoiser, preset, train=examples, validation=examples, texts=texts, prompts=[], vae=vae,
        accelerator=accelerator,
    )  # fmt: skip


class Peer:
    """The published loop: nothing is kept from step to step but the weights."""

    def __init__(self, *, side: int, batch: int, accelerator: Accelerator) -> None:
        from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
        from diffusers.training_utils import EMAModel
        from transformers import CLIPTextConfig, CLIPTextModel

        self.batch, self.accelerator = batch, accelerator
        device = accelerator.device
        wide = (128, 256, 512, 512)
        self.vae: Any = AutoencoderKL(
            block_out_channels=wide, layers_per_block=2, latent_channels=4,
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
            sample_size=side,
        )  # fmt: skip
        text = CLIPTextConfig(
            hidden_size=CLIP_WIDTH, intermediate_size=3072, num_hidden_layers=12,
            num_attention_heads=12, projection_dim=CLIP_WIDTH,
        )  # fmt: skip
        self.text: Any = CLIPTextModel(text)
        self.unet: Any = peer_unet(side // 8)
        for frozen in (self.vae, self.text):
            frozen.requires_grad_(False).eval().to(device)
        self.unet.to(device).train()
        self.ema: Any = EMAModel(self.unet.parameters(), model_cls=UNet2DConditionModel)
        self.scheduler: Any = DDPMScheduler(
            num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012,
            beta_schedule="scaled_linear",
        )  # fmt: skip
        self.optimiser = torch.optim.AdamW(self.unet.parameters(), lr=1e-4, weight_decay=1e-2)
        self.parameters = sum(one.numel() for one in self.unet.parameters())
        pixels = torch.randint(0, 256, (IMAGES, 3, side, side), dtype=torch.uint8, device=device)
        self.pixels = pixels
        self.words = torch.randint(0, 1000, (IMAGES, CLIP_WORDS), device=device)

    def step(self, *, low_precision: bool) -> None:
        """Encode, noise, predict, step, average."""
        device = self.pixels.device
        rows = torch.randint(IMAGES, (self.batch,), device=device)
        images = self.pixels[rows].float() / 127.5 - 1
        with self._precision(low_precision):
            with torch.no_grad():
                latents = self.vae.encode(images).latent_dist.sample() * 0.18215
                context = self.text(self.words[rows], return_dict=False)[0]
            noise = torch.randn_like(latents)
            times = torch.randint(0, 1000, (self.batch,), device=device).long()
            noisy = self.scheduler.add_noise(latents, noise, times)
            found: Tensor = self.unet(noisy, times, context, return_dict=False)[0]
            loss = F.mse_loss(found.float(), noise.float())
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.ema.step(self.unet.parameters())
        loss.item()  # the script gathers the loss at every step

    def _precision(self, low: bool) -> AbstractContextManager[object]:
        return self.accelerator.autocast() if low else nullcontext()


def peer_unet(cells: int, *, context_width: int = CLIP_WIDTH) -> Any:
    """diffusers' U-Net with 19.4 M parameters (18.5 M where captions are 384 wide)."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=cells, in_channels=4, out_channels=4, layers_per_block=2,
        block_out_channels=(64, 128, 256), cross_attention_dim=context_width,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=8,
    )  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsItIs)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--device", default=None)
    return parser.parse_args()


class _AsItIs(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the docstring."""


if __name__ == "__main__":
    main()
