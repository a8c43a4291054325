"""Autoencoders at equal CPU time: `python -m benchmarks.vae DATA/graphics/noto_emoji`.

Each contestant trains for 75 CPU-seconds of one thread on 64-pixel graphics; a tenth of them, by a
digest of the name, is held out. Variants of a graphic in other skin tones are left out, since they
would make held-out images known. Prints PSNR and SSIM of held-out images (from bytes to bytes),
parameters, images seen, and what makes out the difference to the story's design.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lowdiff.evaluation.similarity import ssim
from lowdiff.models.autoencoders import Size, build_autoencoder, sized_autoencoder
from lowdiff.models.ema import PowerEma
from lowdiff.models.losses.vae import VaeLoss
from lowdiff.models.vae import AutoencoderConfig, Vae, VaeConfig, psnr_db
from lowdiff.sampling.device import pick_accelerator, place
from lowdiff.sampling.pictures import to_uint8
from lowdiff.training.data import to_images

IMAGE_PX = 64
BATCH = 16
SKIN_TONES = ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff")
HELD_OUT = 26
"""Of 256."""
EMA_STD = 0.05

DEMO = VaeConfig(channels=(32, 96), encoder_blocks=(1, 1), decoder_blocks=(2, 2))
NOW = {"mse": 1.0, "l1": 0.3, "edge": 0.3, "kl": 1e-2}
MSE = {"mse": 1.0, "kl": 1e-2}


@dataclass(frozen=True)
class Contestant:
    """A design and what it lowers.

    Attributes:
        low_precision: bfloat16 where the CPU has it, as lowdiff trains; the story did not.
    """

    name: str
    arch: str
    model: AutoencoderConfig
    losses: dict[str, float]
    learning_rate: float = 2e-3
    low_precision: bool = True


def contestants() -> Iterator[Contestant]:
    """The story's design first: the others are compared with its better half."""
    story = sized_autoencoder("linear", Size(4, 3, 32, IMAGE_PX))
    for name in ("mse", "bce"):
        yield Contestant(
            f"story, {name}", "linear", story, {name: 1.0, "kl": 1e-4}, 1e-3, low_precision=False
        )

    def conv(latent_channels: int, factor: int = 4, width: int = 32) -> AutoencoderConfig:
        return sized_autoencoder("conv", Size(factor, latent_channels, width, IMAGE_PX))

    yield Contestant("demo (conv f4c4): mse + l1 + edge", "conv", DEMO, NOW)
    yield Contestant("conv f4c4: mse", "conv", DEMO, MSE)
    yield Contestant("conv f4c4: demo + random", "conv", DEMO, {**NOW, "random": 0.1})
    yield Contestant("conv f4c4: mse + random", "conv", DEMO, {**MSE, "random": 0.1})
    yield Contestant("conv f4c4: demo + scale", "conv", DEMO, {**NOW, "scale": 0.25})
    yield Contestant("conv f4c4: mse + ssim", "conv", DEMO, {**MSE, "ssim": 0.02})
    yield Contestant(
        "conv f4c4: l1 + gradient", "conv", DEMO, {"l1": 1.0, "gradient": 1.0, "kl": 1e-2}
    )
    yield Contestant("conv f4c4: demo + adversarial", "conv", DEMO, {**NOW, "adversarial": 0.2})
    yield Contestant("plain f4c4: mse", "plain", DEMO, {"mse": 1.0})
    yield Contestant(
        "conv f4c3: mse", "conv", VaeConfig(**{**asdict(DEMO), "latent_channels": 3}), MSE
    )
    yield Contestant(
        "conv f4c8: mse", "conv", VaeConfig(**{**asdict(DEMO), "latent_channels": 8}), MSE
    )
    yield Contestant("conv f8c16: mse", "conv", conv(16, factor=8), MSE)


def main() -> None:
    """Train them one after the other and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+", help="PNG graphics, 64 px or larger")
    parser.add_argument("--seconds", type=float, default=75.0, help="CPU-seconds of each")
    parser.add_argument("--only", default="", help="contestants whose name has this in it")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    train, held_out = load(args.folder)
    print(f"{len(train)} graphics to train on, {len(held_out)} held out, {args.seconds:.0f} CPU-s")
    rows = []
    for one in contestants():
        if args.only in one.name:
            rows.append(compete(one, train, held_out, seconds=args.seconds, seed=args.seed))
            print(json.dumps(rows[-1]), flush=True)
    print_table(rows)


def load(folders: Sequence[Path]) -> tuple[Tensor, Tensor]:
    """Bytes of the graphics on white, n x 64 x 64 x 3, to train on and held out."""
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for path in sorted(path for folder in folders for path in folder.rglob("*.png")):
        if any(tone in path.stem.lower() for tone in SKIN_TONES):
            continue
        picture = Image.open(path).convert("RGBA")
        picture.thumbnail((IMAGE_PX, IMAGE_PX), Image.Resampling.LANCZOS)
        ground = Image.new("RGBA", (IMAGE_PX, IMAGE_PX), "white")
        corner = ((IMAGE_PX - picture.width) // 2, (IMAGE_PX - picture.height) // 2)
        ground.alpha_composite(picture, corner)
        held = hashlib.sha256(path.name.encode()).digest()[0] < HELD_OUT
        parts[held].append(np.asarray(ground.convert("RGB")))
    train, held_out = (torch.from_numpy(np.stack(part)) for part in parts)
    return train, held_out


def compete(
    one: Contestant, train: Tensor, held_out: Tensor, *, seconds: float, seed: int
) -> dict[str, object]:
    """Train one for its time; its figures."""
    accelerator = pick_accelerator("cpu")
    torch.manual_seed(seed)
    vae = place(build_autoencoder(one.arch, one.model), "cpu")
    terms = VaeLoss(one.losses)
    trained = torch.nn.ModuleList([vae, *([terms.critic] if terms.critic else [])]).train()
    optimiser = torch.optim.AdamW(
        trained.parameters(), lr=one.learning_rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    ema = PowerEma(vae, relative_std=EMA_STD)
    start, spent, steps = time.process_time(), 0.0, 0
    while spent < seconds:
        share = spent / seconds
        rate = one.learning_rate * min(1.0, (steps + 1) / 12, (1 - share) / 0.7)
        for group in optimiser.param_groups:
            group["lr"] = rate
        images = to_images(train[torch.randint(len(train), (BATCH,))], accelerator.device)
        with accelerator.autocast() if one.low_precision else torch.autocast("cpu", enabled=False):
            size = vae.latent_size(IMAGE_PX, IMAGE_PX)
            noise = torch.randn(BATCH, one.model.latent_channels, *size)
            loss = terms(vae, images, noise)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimiser.step()
        steps += 1
        ema.update(list(vae.parameters()), steps)
        spent = time.process_time() - start
    ema.copy_to(vae)
    redrawn = reconstruct(vae.eval(), held_out)
    psnr = psnr_db(to_images(redrawn, accelerator.device), to_images(held_out, accelerator.device))
    return {
        "name": one.name,
        "psnr_db": round(float(psnr.mean()), 2),
        "ssim": round(float(ssim(redrawn, held_out).mean()), 4),
        "parameters": sum(parameter.numel() for parameter in vae.parameters()),
        "latents": one.model.latent_channels * size[0] * size[1],
        "images_seen": steps * BATCH,
    }


@torch.no_grad()
def reconstruct(vae: Vae, pixels: Tensor) -> Tensor:
    """Bytes to bytes, in float32."""
    parts = []
    for part in pixels.split(32):
        images = to_images(part, torch.device("cpu"))
        parts.append(to_uint8(vae.decode(vae.encode(images), size_px=(IMAGE_PX, IMAGE_PX))))
    return torch.cat(parts)


def print_table(rows: Sequence[dict[str, object]]) -> None:
    """The figures, for people."""
    story = [float(str(row["psnr_db"])) for row in rows if str(row["name"]).startswith("story")]
    print(f"{'':34}{'PSNR dB':>8}{'over':>7}{'SSIM':>7}{'parameters':>12}{'latents':>8}{'seen':>8}")
    for row in rows:
        over = float(str(row["psnr_db"])) - max(story) if story else float("nan")
        print(
            f"{row['name']!s:34}{row['psnr_db']:>8}{over:>+7.2f}{row['ssim']:>7.3f}"
            f"{row['parameters']:>12,}{row['latents']:>8,}{row['images_seen']:>8,}"
        )


if __name__ == "__main__":
    main()
