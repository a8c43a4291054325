"""The images of a split as latents on the device, in buckets of one shape each."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from lowdiff.datasets.read import Version
from lowdiff.errors import ContractError, InputError
from lowdiff.models.presets import AugmentConfig, Preset
from lowdiff.models.vae import Posterior, Vae
from lowdiff.sampling.device import Accelerator
from lowdiff.training.augment import PARAMETERS, augmented
from lowdiff.training.buckets import bucket_shapes, fit_shape, nearest_shape
from lowdiff.training.captions import SHUFFLES, Captions, load_captions
from lowdiff.training.data import load_pixels
from lowdiff.training.latents import encode_images


class Bucket(NamedTuple):
    """Latents of one shape.

    Attributes:
        posterior: of every image, and behind all of them of every augmented copy, copy by copy.
        rows: the images, as places in the split; shorter than `posterior` where there are copies.
        parameters: of the augmentation, one row per row of `posterior`.
    """

    posterior: Posterior
    rows: Int[Tensor, " n"]
    parameters: Float[Tensor, "m p"]


class Examples(NamedTuple):
    """The images of a split as latents, and their captions."""

    buckets: list[Bucket]
    captions: Captions


@dataclass(frozen=True)
class Encoder:
    """What turns the images of a dataset version into latents.

    Attributes:
        vae_sha256: digest of the autoencoder's weights; a part of every cache key.
        cache: the workspace's cache folder.
    """

    version: Version
    vae: Vae
    vae_sha256: str
    preset: Preset
    cache: Path
    accelerator: Accelerator

    def examples(self, split: str) -> Examples:
        """The latents of a split, read back from the cache where they lie there.

        Raises:
            InputError: the train split is empty, or flips would mirror lettering.
            ContractError: the autoencoder made latents that are no numbers.
        """
        recipe = self.preset.unet
        augment = recipe.augment if split == "train" and recipe.augment.share else None
        if augment is not None and augment.flip:
            refuse_mirrored_text(self.version)
        buckets = [self._bucket(pixels, rows, augment) for pixels, rows in self._by_shape(split)]
        shuffles = SHUFFLES if split == "train" and recipe.shuffled_caption else 0
        return Examples(buckets, load_captions(self.version, split, shuffles=shuffles))

    def _by_shape(self, split: str) -> list[tuple[UInt8[Tensor, "n h w 3"], Int[Tensor, " n"]]]:
        if not self.preset.buckets:
            pixels = load_pixels(self.version, split, self.preset.image_px)
            return [(pixels, torch.arange(len(pixels)))]
        return load_buckets(
            self.version, split, side_px=self.preset.image_px, factor=self.vae.config.factor
        )

    def _bucket(
        self,
        pixels: UInt8[Tensor, "n h w 3"],
        rows: Int[Tensor, " n"],
        augment: AugmentConfig | None,
    ) -> Bucket:
        parameters = [torch.zeros(len(pixels), len(PARAMETERS))]
        parts = [self._encode(pixels)]
        for copy in range(augment.copies if augment is not None else 0):
            assert augment is not None
            made = augmented(pixels, augment, seed=copy)
            parts.append(self._encode(made.images))
            parameters.append(made.parameters)
        mean, std = (torch.cat(part) for part in zip(*parts, strict=True))
        device = self.accelerator.device
        return Bucket(Posterior(mean, std), rows.to(device), torch.cat(parameters).to(device))

    def _encode(self, pixels: UInt8[Tensor, "n h w 3"]) -> Posterior:
        posterior = encode_images(
            self.vae, self.vae_sha256, pixels, cache=self.cache, accelerator=self.accelerator
        )
        if not all(bool(torch.isfinite(part).all()) for part in posterior):
            raise ContractError(
                self.version.folder,
                "the autoencoder makes latents of its images that are not numbers",
                reason="latents_not_a_number",
                found=f"autoencoder {self.vae_sha256[:12]}",
                do="Train the autoencoder again with a lower learning rate.",
            )
        return posterior


def load_buckets(
    version: Version, split: str, *, side_px: int, factor: int
) -> list[tuple[UInt8[Tensor, "n h w 3"], Int[Tensor, " n"]]]:
    """The images of a split by shape, and their places in the split; no shape is without any.

    Raises:
        ContractError: a shard is missing or changed.
    """
    shapes = bucket_shapes(side_px, factor)
    sorted_in: dict[object, tuple[list[npt.NDArray[np.uint8]], list[int]]] = {}
    for row, picture in enumerate(version.pictures(split)):
        shape = nearest_shape(picture.width, picture.height, shapes)
        pixels, rows = sorted_in.setdefault(shape, ([], []))
        pixels.append(np.asarray(fit_shape(picture, shape)))
        rows.append(row)
    return [
        (torch.from_numpy(np.stack(sorted_in[shape][0])), torch.tensor(sorted_in[shape][1]))
        for shape in shapes
        if shape in sorted_in
    ]


def images_with_text(version: Version) -> int:
    """How many training images have words in them, by their transcription or by OCR."""
    known = [name for name in ("transcription", "ocr_text") if name in version.manifest["columns"]]
    if not known:
        return 0
    table = version.read("train", known)
    return sum(
        any(isinstance(text, str) and bool(text.strip()) for text in row)
        for row in table.itertuples(index=False)
    )


def refuse_mirrored_text(version: Version) -> None:
    """Flips would teach mirrored letters.

    Raises:
        InputError: an image has text.
    """
    count = images_with_text(version)
    if count:
        raise InputError(
            f"{version.name}@{version.number}",
            "must not be mirrored: there is text in its images",
            reason="flipped_text",
            found=f"{count} of {version.rows('train')} training images with text",
            do="Leave augment.flip off in the preset.",
        )
