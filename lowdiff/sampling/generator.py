"""Prompts in, pictures out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from lowdiff.errors import ContractError, InputError
from lowdiff.models.denoiser import Denoiser
from lowdiff.models.encoders import TextEncoder
from lowdiff.models.text import Text
from lowdiff.models.vae import Vae
from lowdiff.sampling.device import Accelerator, pick_accelerator
from lowdiff.sampling.load import load_denoiser, load_encoder, load_vae
from lowdiff.sampling.run_folder import CONFIG_FILE, read_json, weights_sha256
from lowdiff.sampling.samplers import SAMPLERS, guided

DEFAULT_SAMPLER = "heun"


@dataclass(frozen=True)
class Generator:
    """A trained denoiser with the autoencoder and the text encoder that it was trained with.

    Attributes:
        run_id: the denoiser's run.
        dataset_digest: the dataset version that it saw.
        image_px: side of the pictures that it saw.
    """

    run_id: str
    dataset_digest: str
    image_px: int
    unet: Denoiser
    vae: Vae
    encoder: TextEncoder
    accelerator: Accelerator

    def generate(
        self,
        prompts: Sequence[str],
        *,
        seeds: Sequence[int],
        steps: int = 20,
        guidance: float = 2.0,
        size_px: int | None = None,
        sampler: str = DEFAULT_SAMPLER,
        batch_size: int = 32,
        advance: Callable[[int], None] | None = None,
    ) -> list[Image.Image]:
        """Draw one picture per prompt.

        Args:
            seeds: one per prompt; the same prompt, seed and settings give the same picture.
            steps: of the sampler; Heun's cost two model calls each.
            guidance: see `samplers.guided`.
            size_px: side of the pictures; default: the training size.
            sampler: a name in `samplers.SAMPLERS`.
            advance: told the number of pictures after each batch.

        Returns:
            RGB pictures, in the order of the prompts.

        Raises:
            InputError: prompts and seeds are not of one number, or a setting is out of range.
        """
        side_px = size_px or self.image_px
        self._check(prompts, seeds, steps=steps, sampler=sampler, side_px=side_px)
        pictures: list[Image.Image] = []
        for start in range(0, len(prompts), batch_size):
            part = slice(start, start + batch_size)
            text, _ = self.encoder.encode(prompts[part])
            noise = noise_of(seeds[part], self.latent_shape(side_px))
            latents = self.sample(text, noise, steps=steps, guidance=guidance, sampler=sampler)
            pictures += to_pictures(self.decode(latents, side_px))
            if advance is not None:
                advance(len(prompts[part]))
        return pictures

    def latent_shape(self, side_px: int) -> tuple[int, int, int]:
        """Channels, height and width of the latents of a square picture."""
        cells = -(-side_px // self.vae.config.factor)
        return self.vae.config.latent_channels, cells, cells

    @torch.no_grad()
    def sample(
        self,
        text: Text,
        noise: Float[Tensor, "b c h w"],
        *,
        steps: int,
        guidance: float,
        sampler: str = DEFAULT_SAMPLER,
    ) -> Float[Tensor, "b c h w"]:
        """Latents from encoded captions and noise of unit scale."""
        device = self.accelerator.device
        velocity = guided(self.unet, text.to(device), guidance=guidance)
        with self.accelerator.autocast():
            return SAMPLERS[sampler](velocity, noise.to(device), steps=steps)

    @torch.no_grad()
    def decode(self, latents: Float[Tensor, "b c h w"], side_px: int) -> Float[Tensor, "b 3 y x"]:
        """Square pictures in [-1, 1] from latents."""
        with self.accelerator.autocast():
            return self.vae.decode(latents, size_px=(side_px, side_px))

    def _check(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        steps: int,
        sampler: str,
        side_px: int,
    ) -> None:
        if len(prompts) != len(seeds):
            raise InputError(
                "generate",
                "needs one seed per prompt",
                reason="seeds_mismatch",
                found=f"{len(seeds)} seeds",
                allowed=f"{len(prompts)} seeds",
            )
        if steps < 1:
            raise InputError("steps", "must be 1 or more", reason="bad_steps", found=steps)
        if sampler not in SAMPLERS:
            raise InputError(
                f"sampler {sampler}",
                "is not known",
                reason="bad_sampler",
                allowed=", ".join(sorted(SAMPLERS)),
            )
        if not 8 <= side_px <= 4096:
            raise InputError(
                "size", "is out of range", reason="bad_size", found=side_px, allowed="8 to 4096"
            )


def load_generator(
    run_dir: Path, vae_dir: Path, *, device: torch.device | str | None = None
) -> Generator:
    """The generator of a finished denoiser run and its autoencoder run.

    Args:
        device: default: a GPU where there is one.

    Raises:
        ContractError: a folder is no such run, or the denoiser was trained in the latent space of
            another autoencoder.
    """
    accelerator = pick_accelerator(None if device is None else str(device))
    config = read_json(run_dir / CONFIG_FILE)
    unet = load_denoiser(run_dir, device=accelerator.device)
    wanted, found = config["vae_sha256"], weights_sha256(vae_dir)
    if wanted != found:
        raise ContractError(
            run_dir,
            "was trained in the latent space of another autoencoder",
            reason="other_vae",
            found=f"{vae_dir.name} ({found[:12]})",
            allowed=f"{config['vae_run_id']} ({str(wanted)[:12]})",
        )
    return Generator(
        run_id=run_dir.name,
        dataset_digest=str(config["dataset"]["digest"]),
        image_px=int(config["image_px"]),
        unet=unet,
        vae=load_vae(vae_dir, device=accelerator.device),
        encoder=load_encoder(run_dir),
        accelerator=accelerator,
    )


def noise_of(seeds: Sequence[int], shape: tuple[int, int, int]) -> Float[Tensor, "b c h w"]:
    """Unit noise, one picture per seed: a picture does not depend on its neighbours in a batch."""
    rows = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows) if rows else torch.empty(0, *shape)


def to_uint8(images: Float[Tensor, "b 3 h w"]) -> UInt8[Tensor, "b h w 3"]:
    """From [-1, 1] to bytes on the CPU."""
    scaled = ((images.float() + 1) * 127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu()


def to_pictures(images: Float[Tensor, "b 3 h w"]) -> list[Image.Image]:
    """PIL pictures from images in [-1, 1]."""
    return [Image.fromarray(image.contiguous().numpy()) for image in to_uint8(images)]
