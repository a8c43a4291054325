"""Images through the autoencoder once, kept for every later step."""

from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from lowdiff.models.vae import Posterior, Vae
from lowdiff.sampling.device import Accelerator
from lowdiff.training.cache import cached
from lowdiff.training.data import to_images

CHUNK = 64


def encode_images(
    vae: Vae, vae_sha256: str, pixels: UInt8[Tensor, "n h w 3"], *, cache: Path,
    accelerator: Accelerator,
) -> Posterior:  # fmt: skip
    """The normalised posterior of every image, on the accelerator.

    The cache key holds the pixels and the autoencoder's digest: another autoencoder can never read
    these latents.

    Args:
        cache: the workspace's cache folder.
    """

    if not len(pixels):
        nothing = torch.empty(0, vae.config.latent_channels, 0, 0, device=accelerator.device)
        return Posterior(nothing, nothing)

    def make() -> dict[str, Tensor]:
        parts = [_posterior(vae, part, accelerator) for part in torch.split(pixels, CHUNK)]
        mean, std = (torch.cat(part) for part in zip(*parts, strict=True))
        return {"mean": mean, "std": std}

    body = pixels.contiguous().numpy().data
    shape = "x".join(map(str, pixels.shape))
    kept = cached(cache / "latents", [vae_sha256, shape, body], make)
    device = accelerator.device
    return Posterior(kept["mean"].to(device), kept["std"].to(device))


@torch.no_grad()
def measure_latents(
    vae: Vae, pixels: UInt8[Tensor, "n h w 3"], accelerator: Accelerator
) -> tuple[Tensor, Tensor]:
    """Mean and deviation per channel of the raw latents over all images, summed in float64."""
    count, total, squares = 0, torch.zeros(1), torch.zeros(1)
    for part in torch.split(pixels, CHUNK):
        with accelerator.autocast():
            mean, _ = vae.raw_moments(to_images(part, accelerator.device))
        values = mean.double().cpu().transpose(0, 1).flatten(1)
        count += values.shape[1]
        total = total + values.sum(1)
        squares = squares + values.square().sum(1)
    average = total / count
    return average, (squares / count - average.square()).clamp_min(1e-12).sqrt()


@torch.no_grad()
def _posterior(vae: Vae, pixels: Tensor, accelerator: Accelerator) -> Posterior:
    with accelerator.autocast():
        mean, std = vae.posterior(to_images(pixels, accelerator.device))
    return Posterior(mean.float().cpu(), std.float().cpu())
