"""Which images and prompts an evaluation looks at: held-out ones, in a fixed order."""

from dataclasses import dataclass

import numpy as np
import torch

from lowdiff.datasets.read import Version
from lowdiff.errors import InputError
from lowdiff.evaluation.pixels import Pixels

HELD_OUT = ("validation", "test")
MIN_PROMPTS = 8
"""With fewer held-out captions, captions of training images fill up."""


@dataclass(frozen=True)
class Pictures:
    """Images of some splits with their captions, in the order of the dataset."""

    image_ids: list[str]
    captions: list[str]
    pixels: Pixels

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, rows: list[int]) -> "Pictures":
        """Some of them, in the order asked for."""
        return Pictures(
            [self.image_ids[row] for row in rows],
            [self.captions[row] for row in rows],
            self.pixels[rows],
        )


@dataclass(frozen=True)
class Subjects:
    """Everything that is looked at."""

    train: Pictures
    held_out: Pictures
    """Images that no run has trained on."""
    validation: int
    """How many of `held_out`, at its start, are of the validation split."""
    prompts: Pictures
    """Images whose captions are the prompts; every caption is there once."""
    seen_prompts: int
    """How many prompts are captions of training images, for want of held-out ones."""

    @property
    def evaluated(self) -> Pictures:
        """The held-out images; training images where there is none."""
        return self.held_out if len(self.held_out) else self.train


def choose_subjects(version: Version, *, image_px: int, prompts: int) -> Subjects:
    """Read the images of a version, and choose the prompts.

    Args:
        image_px: side at which the run draws.
        prompts: at most so many are chosen; image ids are digests, so the first are a fair sample.

    Raises:
        InputError: fewer than two training images: nothing can be compared.
    """
    train = _read(version, ("train",), image_px)
    if len(train) < 2:
        raise InputError(
            version.folder,
            "has too few training images to compare with",
            reason="dataset_too_small",
            found=len(train),
            allowed="2 or more",
        )
    held_out = _read(version, HELD_OUT, image_px)
    rows = _distinct(held_out.captions)[:prompts]
    chosen = held_out.take(rows)
    seen = 0
    if len(rows) < min(MIN_PROMPTS, prompts):
        known = set(chosen.captions)
        fill = [row for row in _distinct(train.captions) if train.captions[row] not in known]
        more = train.take(fill[: min(MIN_PROMPTS, prompts) - len(rows)])
        chosen, seen = _join(chosen, more), len(more)
    return Subjects(
        train=train,
        held_out=held_out,
        validation=version.rows("validation"),
        prompts=chosen,
        seen_prompts=seen,
    )


def noise_images(count: int, image_px: int) -> Pixels:
    """Images of random pixels: what a distance says of something that is nothing."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, image_px, image_px, 3)
    noise: Pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8).numpy()
    return noise


def _read(version: Version, splits: tuple[str, ...], image_px: int) -> Pictures:
    ids: list[str] = []
    captions: list[str] = []
    for split in splits:
        rows = version.read(split, ["image_id", "caption"])
        ids += rows["image_id"].tolist()
        captions += rows["caption"].tolist()
    pixels = np.concatenate([version.pixels(split, image_px) for split in splits])
    return Pictures(ids, captions, pixels)


def _distinct(captions: list[str]) -> list[int]:
    """The rows with a caption that no earlier row has."""
    first: dict[str, int] = {}
    for row, caption in enumerate(captions):
        first.setdefault(caption, row)
    return list(first.values())


def _join(first: Pictures, second: Pictures) -> Pictures:
    return Pictures(
        first.image_ids + second.image_ids,
        first.captions + second.captions,
        np.concatenate([first.pixels, second.pixels]),
    )
