"""The denoiser's task: latents, captions and the path between data and noise."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from lowdiff.models.objectives.objective import Objective
from lowdiff.models.presets import Preset
from lowdiff.models.text import Text
from lowdiff.models.vae import Posterior, Vae
from lowdiff.sampling.device import Accelerator
from lowdiff.sampling.generator import noise_of, to_uint8
from lowdiff.sampling.samplers import euler, guided
from lowdiff.training.data import Captions
from lowdiff.training.grid import save_grid
from lowdiff.training.texts import TextTable

BANDS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Times at which the denoising loss is compared between train and validation images."""
VALIDATION_SEED = 1
CHUNK = 64
GRID_COLUMNS = 12


class Examples(NamedTuple):
    """The images of a split as latents, and their captions."""

    posterior: Posterior
    captions: Captions


class UnetTask:
    """Predict the objective's target from noised latents and captions.

    Attributes:
        module: the denoiser.
        texts: every caption, encoded.
    """

    def __init__(
        self,
        module: nn.Module,
        preset: Preset,
        *,
        train: Examples,
        validation: Examples,
        texts: TextTable,
        prompts: list[str],
        vae: Vae,
        accelerator: Accelerator,
    ) -> None:
        self.module = module
        self.texts = texts
        self.recipe, self.samples = preset.unet, preset.samples
        self.objective = Objective(preset.unet.objective)
        self.accelerator, self.vae, self.prompts = accelerator, vae, prompts
        self.latents = train.posterior
        index = [texts.index(train.captions.full), texts.index(train.captions.short)]
        self.forms = torch.stack(index, dim=1).to(accelerator.device)
        count = preset.validation_images
        self.compared = {
            "train": self._first(train, count),
            "val": self._first(validation, count),
        }

    def loss(self, generator: torch.Generator) -> Float[Tensor, ""]:
        """The objective's loss on a batch; short, long and left-out captions by chance."""
        device = self.accelerator.device
        batch = self.recipe.train.batch_size
        index = torch.randint(len(self.forms), (batch,), generator=generator, device=device)
        spread = torch.randn(
            (batch, *self.latents.mean.shape[1:]), generator=generator, device=device
        )
        data = self.latents.mean[index] + self.latents.std[index] * spread
        chance = torch.rand((2, batch), generator=generator, device=device)
        short = (chance[0] < self.recipe.short_caption).long()
        text = self.texts.rows(self.forms[index, short])
        text = text.keep(chance[1] >= self.recipe.drop_caption)
        noise = torch.randn(data.shape, generator=generator, device=device)
        t = self.objective.times(batch, generator)
        prediction = self.module(self.objective.noised(data, noise, t), t, text)
        return self.objective.losses(prediction, data, noise, t).mean()

    def validate(self, averaged: nn.Module) -> dict[str, Any]:
        """Denoising loss of train and held-out images with the same noise, by time.

        Returns:
            `val_loss` and `train_loss`, means over the times, and a list each by `BANDS`.
        """
        figures: dict[str, Any] = {}
        for name, (latents, rows) in self.compared.items():
            if len(rows):
                losses = [self._loss_at(averaged, t, latents, rows) for t in BANDS]
                figures[f"{name}_loss"] = round(sum(losses) / len(losses), 5)
                figures[f"{name}_loss_by_time"] = [round(loss, 5) for loss in losses]
        return figures

    @torch.no_grad()
    def draw(self, averaged: nn.Module, path: Path) -> None:
        """One picture per prompt, always from the same noise."""
        channels, height, width = self.latents.mean.shape[1:]
        noise = noise_of(range(len(self.prompts)), (channels, height, width))
        text = self.texts.rows(self.texts.index(self.prompts).to(self.accelerator.device))
        velocity = guided(averaged, text, guidance=self.samples.guidance)
        with self.accelerator.autocast():
            latents = euler(velocity, noise.to(self.accelerator.device), steps=self.samples.steps)
            pictures = to_uint8(self.vae.decode(latents))
        save_grid(list(torch.split(pictures, GRID_COLUMNS)), path)

    def _first(
        self, examples: Examples, count: int
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, " n"]]:
        rows = self.texts.index(examples.captions.full[:count]).to(self.accelerator.device)
        return examples.posterior.mean[:count], rows

    @torch.no_grad()
    def _loss_at(
        self, module: nn.Module, t: float, latents: Float[Tensor, "n c h w"],
        rows: Int[Tensor, " n"],
    ) -> float:  # fmt: skip
        generator = torch.Generator().manual_seed(VALIDATION_SEED)
        noise = torch.randn(latents.shape, generator=generator).to(latents.device)
        losses = []
        for data, drawn, index in zip(
            torch.split(latents, CHUNK),
            torch.split(noise, CHUNK),
            torch.split(rows, CHUNK),
            strict=True,
        ):
            times = torch.full((len(data),), t, device=data.device)
            text: Text = self.texts.rows(index)
            with self.accelerator.autocast():
                prediction = module(self.objective.noised(data, drawn, times), times, text)
            losses.append(self.objective.losses(prediction, data, drawn, times))
        return float(torch.cat(losses).mean())
