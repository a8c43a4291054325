"""Prompts in, pictures out, as a pipeline of diffusers.

This file is copied into the exported folder, with everything of ours that it imports.
"""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput

from lowdiff.models.objectives.objective import objective_of_run
from lowdiff.sampling.device import pick_accelerator, place
from lowdiff.sampling.guidance import with_extra
from lowdiff.sampling.noise import noise_of
from lowdiff.sampling.pictures import to_pictures
from lowdiff.sampling.sample import Drawer, sample
from lowdiff.sampling.settings import Sampling

Base: Any = DiffusionPipeline  # what it adds at run time, its types do not tell
Output: Any = ImagePipelineOutput


class LowdiffPipeline(Base):  # type: ignore[misc]
    """A trained denoiser with its autoencoder and its text encoder."""

    def __init__(self, denoiser, vae, text_encoder) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.register_modules(denoiser=denoiser, vae=vae, text_encoder=text_encoder)

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        seed: int | Sequence[int] = 0,
        num_inference_steps: int = 20,
        guidance_scale: float = 2.0,
        sampler: str = "heun",
        height: int | None = None,
        width: int | None = None,
        output_type: str = "pil",
    ) -> Any:
        """Draw one picture per prompt.

        Args:
            seed: one number, or one per prompt; the same as in `lowdiff generate`.
            height, width: in pixels; default: the training size.
            output_type: `pil`, or `latent`.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        seeds = [seed] * len(prompts) if isinstance(seed, int) else list(seed)
        if len(seeds) != len(prompts):
            raise ValueError(f"{len(prompts)} prompts need as many seeds, got {len(seeds)}")
        run = self.denoiser.config.run
        size_px = height or run["image_px"], width or run["image_px"]
        device = self.denoiser.device
        accelerator = pick_accelerator(str(device))
        denoiser = place(self.denoiser.network, device).eval()
        vae = place(self.vae.network, device).eval()
        cells = [-(-side // vae.config.factor) for side in size_px]
        noise = noise_of(seeds, (vae.config.latent_channels, cells[0], cells[1])).to(device)
        extra = int(getattr(denoiser.config, "extra_channels", 0))
        asked: Any = denoiser
        if extra:
            asked = with_extra(denoiser, torch.zeros(len(noise), extra, *cells, device=device))
        how = Sampling(sampler=sampler, steps=num_inference_steps, guidance=guidance_scale)
        drawer = Drawer(objective_of_run(run), asked, how)
        text = self.text_encoder.encode(prompts).to(device)
        with accelerator.autocast():
            latents = sample(drawer, text, noise, seeds=seeds)
            if output_type == "latent":
                return Output(images=latents)
            images = vae.decode(latents, size_px=size_px)
        return Output(images=to_pictures(images))
