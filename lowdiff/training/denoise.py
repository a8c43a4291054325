"""The denoiser's task: latents, captions and the path between data and noise."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from lowdiff.models.objectives.objective import Objective
from lowdiff.models.presets import Preset
from lowdiff.models.text import Text
from lowdiff.models.vae import Vae
from lowdiff.sampling.device import Accelerator
from lowdiff.sampling.guidance import Denoise, with_extra
from lowdiff.sampling.noise import noise_of
from lowdiff.sampling.pictures import to_uint8
from lowdiff.sampling.sample import Drawer, sample
from lowdiff.sampling.settings import Sampling
from lowdiff.training.augment import PARAMETERS
from lowdiff.training.examples import Examples
from lowdiff.training.grid import save_grid
from lowdiff.training.holes import random_holes, told_of
from lowdiff.training.texts import TextTable

BANDS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Times at which the denoising loss is compared between train and validation images."""
VALIDATION_SEED = 1
CHUNK = 64
GRID_COLUMNS = 12


class Compared(NamedTuple):
    """Latents of one shape whose loss is watched, and the rows of their captions."""

    latents: Float[Tensor, "n c h w"]
    captions: Int[Tensor, " n"]


@dataclass(frozen=True)
class UnetBatch:
    """Everything that is random in a step.

    Attributes:
        bucket: the shape of all of its images.
        index: rows of the bucket's latents.
        spread: where in its posterior each latent lies, in deviations.
        captions: rows of the text table.
        kept: False where the caption is left out.
        holes: 1 where the picture is to be filled in; None where all of it is.
    """

    bucket: int
    index: Int[Tensor, " b"]
    spread: Float[Tensor, "b c h w"]
    captions: Int[Tensor, " b"]
    kept: Bool[Tensor, " b"]
    noise: Float[Tensor, "b c h w"]
    t: Float[Tensor, " b"]
    holes: Float[Tensor, "b 1 h w"] | None = None

    def __len__(self) -> int:
        return len(self.t)

    def rows(self, part: slice) -> "UnetBatch":
        """Some rows of it."""
        return UnetBatch(
            self.bucket, self.index[part], self.spread[part], self.captions[part], self.kept[part],
            self.noise[part], self.t[part], None if self.holes is None else self.holes[part],
        )  # fmt: skip


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
        self.forward: Callable[..., Tensor] = module
        self.buckets = train.buckets
        self.images = [len(bucket.rows) for bucket in train.buckets]
        forms = [texts.index(form) for form in train.captions.forms()]
        self.forms = torch.stack(forms, dim=1).to(accelerator.device)
        count = preset.validation_images
        self.compared = {
            "train": self._first(train, count),
            "val": self._first(validation, count),
        }

    def compile(self, how: Callable[[nn.Module], Callable[..., Tensor]]) -> None:
        """Let the network of the loss run compiled."""
        self.forward = how(self.module)

    def batch(self, generator: torch.Generator, seed: int) -> UnetBatch:
        """Images of one bucket; the form of each caption, the noise and the time by chance."""
        device, recipe, count = self.accelerator.device, self.recipe, self.recipe.train.batch_size
        # a bucket comes as often as it has images, so every image is as likely as any other
        chosen = random.Random(seed).choices(range(len(self.images)), self.images)[0]
        bucket, images = self.buckets[chosen], self.images[chosen]
        channels, height, width = bucket.posterior.mean.shape[1:]
        shape = (count, channels, height, width)
        index = torch.randint(images, (count,), generator=generator, device=device)
        spread = torch.randn(shape, generator=generator, device=device)
        chance = torch.rand((2, count), generator=generator, device=device)
        noise = torch.randn(shape, generator=generator, device=device)
        t = self.objective.times(count, generator)
        form = (chance[0] < recipe.short_caption).long()
        if recipe.shuffled_caption:
            others = self.forms.shape[1] - 2
            other = torch.randint(2, 2 + others, (count,), generator=generator, device=device)
            swapped = torch.rand(count, generator=generator, device=device)
            form = torch.where((form == 0) & (swapped < recipe.shuffled_caption), other, form)
        captions = self.forms[bucket.rows[index], form]
        if recipe.augment.share:
            copy = torch.randint(
                1, 1 + recipe.augment.copies, (count,), generator=generator, device=device
            )
            changed = torch.rand(count, generator=generator, device=device) < recipe.augment.share
            index = index + images * copy * changed
        kept = chance[1] >= recipe.drop_caption
        holes = random_holes(count, (height, width), generator) if recipe.inpaint else None
        return UnetBatch(chosen, index, spread, captions, kept, noise, t, holes)

    def loss(self, batch: UnetBatch) -> Float[Tensor, ""]:
        """The objective's mean loss."""
        bucket = self.buckets[batch.bucket]
        data = bucket.posterior.mean[batch.index] + bucket.posterior.std[batch.index] * batch.spread
        text = self.texts.rows(batch.captions).keep(batch.kept)
        x_t = self.objective.noised(data, batch.noise, batch.t)
        if batch.holes is not None:
            x_t = torch.cat([x_t, told_of(batch.holes, data)], dim=1)
        if self.recipe.augment.share:
            told = bucket.parameters[batch.index][:, :, None, None]
            x_t = torch.cat([x_t, told.expand(-1, -1, *x_t.shape[-2:])], dim=1)
        prediction = self.forward(x_t, batch.t, text)
        return self.objective.losses(prediction, data, batch.noise, batch.t).mean()

    def validate(self, averaged: nn.Module) -> dict[str, Any]:
        """Denoising loss of train and held-out images with the same noise, by time.

        Returns:
            `val_loss` and `train_loss`, means over the times, and a list each by `BANDS`.
        """
        figures: dict[str, Any] = {}
        for name, parts in self.compared.items():
            if parts:
                losses = [self._loss_at(averaged, t, parts) for t in BANDS]
                figures[f"{name}_loss"] = round(sum(losses) / len(losses), 5)
                figures[f"{name}_loss_by_time"] = [round(loss, 5) for loss in losses]
        return figures

    @torch.no_grad()
    def draw(self, averaged: nn.Module, path: Path) -> None:
        """One picture per prompt, always from the same noise."""
        most = self.buckets[self.images.index(max(self.images))]
        channels, height, width = most.posterior.mean.shape[1:]
        seeds = range(len(self.prompts))
        noise = noise_of(seeds, (channels, height, width))
        text = self.texts.rows(self.texts.index(self.prompts).to(self.accelerator.device))
        how = Sampling("euler", steps=self.samples.steps, guidance=self.samples.guidance)
        drawer = Drawer(self.objective, self._plain(averaged, noise), how)
        with self.accelerator.autocast():
            latents = sample(drawer, text, noise.to(self.accelerator.device), seeds=seeds)
            pictures = to_uint8(self.vae.decode(latents))
        save_grid(list(torch.split(pictures, GRID_COLUMNS)), path)

    def _plain(self, module: nn.Module, like: Float[Tensor, "b c h w"]) -> Denoise:
        """The denoiser, told that nothing is known of the images and nothing was done to them."""
        told = []
        if self.recipe.inpaint:
            told.append(told_of(torch.ones_like(like[:, :1]), torch.zeros_like(like)))
        if self.recipe.augment.share:
            told.append(torch.zeros(len(like), len(PARAMETERS), *like.shape[-2:]))
        if not told:
            return module
        device = self.accelerator.device
        return with_extra(module, torch.cat([part.to(device) for part in told], dim=1))

    def _first(self, examples: Examples, count: int) -> list[Compared]:
        """The first images of a split, by shape, with their captions."""
        index = self.texts.index(examples.captions.full).to(self.accelerator.device)
        parts = []
        for posterior, rows, _ in examples.buckets:
            among = (rows < count).nonzero()[:, 0]
            if len(among):
                parts.append(Compared(posterior.mean[among], index[rows[among]]))
        return parts

    @torch.no_grad()
    def _loss_at(self, module: nn.Module, t: float, parts: list[Compared]) -> float:
        generator = torch.Generator().manual_seed(VALIDATION_SEED)
        losses = []
        for latents, rows in parts:
            noise = torch.randn(latents.shape, generator=generator).to(latents.device)
            for data, drawn, index in zip(
                torch.split(latents, CHUNK),
                torch.split(noise, CHUNK),
                torch.split(rows, CHUNK),
                strict=True,
            ):
                times = torch.full((len(data),), t, device=data.device)
                text: Text = self.texts.rows(index)
                with self.accelerator.autocast():
                    x_t = self.objective.noised(data, drawn, times)
                    prediction = self._plain(module, data)(x_t, times, text)
                losses.append(self.objective.losses(prediction, data, drawn, times))
        return float(torch.cat(losses).mean())
