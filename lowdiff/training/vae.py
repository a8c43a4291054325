"""Train the autoencoder of a dataset version."""

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.datasets.read import Version
from lowdiff.models.autoencoders import build_autoencoder
from lowdiff.models.losses.crops import random_scale_crops
from lowdiff.models.losses.vae import VaeLoss
from lowdiff.models.presets import Preset, VaeRecipe
from lowdiff.models.vae import Vae, psnr_db
from lowdiff.sampling.device import Accelerator, pick_accelerator, place
from lowdiff.sampling.pictures import to_uint8
from lowdiff.sampling.run_folder import WEIGHTS_FILE
from lowdiff.training.checkpoint import save_tensors
from lowdiff.training.data import check_version, dataset_record, load_pixels, to_images
from lowdiff.training.grid import save_grid
from lowdiff.training.latents import CHUNK, measure_latents
from lowdiff.training.launch import Launch
from lowdiff.training.loop import Loop
from lowdiff.training.origins import origins_of
from lowdiff.training.progress import OnProgress
from lowdiff.training.runs import TrainedRun, train_run
from lowdiff.training.schedule import step_seed
from lowdiff.workspace import Workspace


def train_vae(
    version: Version,
    *,
    preset: Preset,
    workspace: Workspace,
    catalog: Catalog,
    seed: int = 0,
    device: str | None = None,
    on_progress: OnProgress | None = None,
    launch: Launch | None = None,
    now: Callable[[], datetime] = utc_now,
) -> TrainedRun:
    """Train an autoencoder, or find the run that did, or go on with the one that was interrupted.

    Args:
        device: default: a GPU where there is one.
        launch: how the hardware is used.

    Raises:
        InputError: the dataset has no training images, or there is no such device.
        ContractError: the loss is not a number any more, or the checkpoint is damaged.
        ServiceError: another process trains the same run, or the disk is full.
    """
    accelerator = pick_accelerator(device)
    launch = launch or Launch()
    check_version(version)
    config = vae_config(version, preset=preset, seed=seed)

    def train(folder: Path) -> dict[str, Any]:
        pixels = load_pixels(version, "train", preset.image_px)
        held_out = load_pixels(version, "validation", preset.image_px)
        task = VaeTask(preset, pixels, held_out, accelerator, seed=seed)
        plan = preset.vae.train
        loop = Loop(
            task, plan, steps=plan.steps, seed=seed, folder=folder, accelerator=accelerator,
            on_progress=on_progress, launch=launch,
        )  # fmt: skip
        loop.run()
        if not launch.workers.first:
            return {}
        vae = _vae(loop.averaged())
        vae.set_latent_statistics(*measure_latents(vae, pixels, accelerator))
        save_tensors(vae.state_dict(), folder / WEIGHTS_FILE)
        return {**loop.told(), **task.validate(vae)}

    return train_run(
        config, workspace=workspace, catalog=catalog, accelerator=accelerator, now=now,
        train=train, origins=lambda: origins_of(version), launch=launch,
    )  # fmt: skip


def vae_config(version: Version, *, preset: Preset, seed: int) -> dict[str, Any]:
    """Everything that the weights depend on; its digest is the run's id."""
    recipe = asdict(preset.vae)
    return {
        "kind": "vae",
        "preset": preset.name,
        "image_px": preset.image_px,
        "model": recipe.pop("model"),
        "train": recipe.pop("train"),
        **recipe,
        "seed": seed,
        "dataset": dataset_record(version),
    }


@dataclass(frozen=True)
class VaeBatch:
    """Everything that is random in a step.

    Attributes:
        index: rows of the training images.
        noise: where in its posterior each latent lies, in deviations.
        share: of an image's side that a crop covers.
        corners: where each crop lies, 0 to 1 down and across; None where images stay whole.
    """

    index: Int[Tensor, " b"]
    noise: Float[Tensor, "b c h w"]
    share: float = 1.0
    corners: Float[Tensor, "b 2"] | None = None

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, part: slice) -> "VaeBatch":
        """Some rows of it."""
        corners = None if self.corners is None else self.corners[part]
        return VaeBatch(self.index[part], self.noise[part], self.share, corners)


class VaeTask:
    """Reconstruct the training images from noised latents."""

    def __init__(
        self,
        preset: Preset,
        pixels: UInt8[Tensor, "n h w 3"],
        held_out: UInt8[Tensor, "m h w 3"],
        accelerator: Accelerator,
        *,
        seed: int,
    ) -> None:
        self.recipe: VaeRecipe = preset.vae
        self.accelerator = accelerator
        self.grid_columns = preset.samples.count
        self.pixels = pixels.to(accelerator.device)
        # a split of a small dataset may be empty: then we look at training images
        self.held_out = held_out[: preset.validation_images]
        self.seen = pixels[: preset.validation_images]
        torch.manual_seed(step_seed(seed, -1))
        recipe = preset.vae
        vae = place(build_autoencoder(recipe.arch, recipe.model), accelerator.device)
        heard = recipe.critic_from * recipe.train.steps * recipe.train.batch_size
        self.terms = VaeLoss(recipe.losses, critic_from=round(heard)).to(accelerator.device)
        # a critic is trained by the same optimiser; see `models.losses.critic`
        critic = self.terms.critic
        self.module: nn.Module = (
            vae if critic is None else nn.ModuleDict({"vae": vae, "critic": critic})
        )
        self.side_px = recipe.crop_px or preset.image_px
        rows, columns = vae.latent_size(self.side_px, self.side_px)
        self.latent_shape = (recipe.model.latent_channels, rows, columns)

    def compile(self, how: Callable[[nn.Module], Any]) -> None:
        """Nothing: it is nearly all convolutions, which gain little."""

    def batch(self, generator: torch.Generator, seed: int) -> VaeBatch:
        """Images, and where in its posterior each of their latents lies."""
        device, count = self.accelerator.device, self.recipe.train.batch_size
        index = torch.randint(len(self.pixels), (count,), generator=generator, device=device)
        noise = torch.randn((count, *self.latent_shape), generator=generator, device=device)
        if not self.recipe.crop_px:
            return VaeBatch(index, noise)
        share = random.Random(seed).choice(self.recipe.crop_shares)
        return VaeBatch(
            index, noise, share, torch.rand((count, 2), generator=generator, device=device)
        )

    def loss(self, batch: VaeBatch) -> Float[Tensor, ""]:
        """The weighted sum of the recipe's terms."""
        images = to_images(self.pixels[batch.index], self.accelerator.device)
        if batch.corners is not None:
            images = random_scale_crops(
                images, crop_px=self.side_px, share=batch.share, corners=batch.corners
            )
        loss: Tensor = self.terms(_vae(self.module), images, batch.noise)
        return loss

    def validate(self, averaged: nn.Module) -> dict[str, Any]:
        """PSNR in decibels of held-out and of as many training images."""
        vae = _vae(averaged)
        figures = {"train_psnr_db": self._psnr(vae, self.seen)}
        if len(self.held_out):
            figures["val_psnr_db"] = self._psnr(vae, self.held_out)
        return figures

    def draw(self, averaged: nn.Module, path: Path) -> None:
        """Held-out images above their reconstructions."""
        shown = self.held_out if len(self.held_out) else self.seen
        shown = shown[: self.grid_columns]
        save_grid([shown, to_uint8(self._reconstruct(_vae(averaged), shown))], path)

    def _psnr(self, vae: Vae, pixels: UInt8[Tensor, "n h w 3"]) -> float:
        values = [
            psnr_db(self._reconstruct(vae, part), to_images(part, self.accelerator.device))
            for part in torch.split(pixels, CHUNK)
        ]
        return round(float(torch.cat(values).mean()), 3)

    @torch.no_grad()
    def _reconstruct(self, vae: Vae, pixels: UInt8[Tensor, "n h w 3"]) -> Float[Tensor, "n 3 h w"]:
        with self.accelerator.autocast():
            images = to_images(pixels, self.accelerator.device)
            decoded = vae.decode(vae.encode(images))
        return decoded[..., : images.shape[-2], : images.shape[-1]]


def _vae(module: nn.Module) -> Vae:
    """The autoencoder, beside a critic or alone."""
    return cast(Vae, module["vae"] if isinstance(module, nn.ModuleDict) else module)
