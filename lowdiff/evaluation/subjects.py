"""Which images and prompts an evaluation looks at: held-out ones, in a fixed order."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch

from lowdiff.datasets.read import Version
from lowdiff.errors import InputError
from lowdiff.evaluation.labels import SCORED, Label, label_on_white
from lowdiff.evaluation.pixels import Pixels

HELD_OUT = ("validation", "test")
MIN_PROMPTS = 8
"""With fewer held-out captions, captions of training images fill up."""
FEWEST_TO_HALVE = 8


@dataclass(frozen=True)
class Pictures:
    """Images of some splits with their captions, in the order of the dataset."""

    image_ids: list[str]
    captions: list[str]
    pixels: Pixels
    labels: list[dict[str, Label]] = field(default_factory=list)
    """Of each image the fields that a picture can be asked about, as it looks on white."""
    has_words: list[bool] = field(default_factory=list)
    """True where OCR has read something in the original."""

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, rows: list[int]) -> "Pictures":
        """Some of them, in the order asked for."""
        return Pictures(
            [self.image_ids[row] for row in rows],
            [self.captions[row] for row in rows],
            self.pixels[rows],
            [self.labels[row] for row in rows],
            [self.has_words[row] for row in rows],
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
    def taught(self) -> Pictures:
        """The half of the training images that a self-taught eye may learn from."""
        return self.train.take(self._half(0))

    @property
    def reference(self) -> Pictures:
        """The other half: what sets of drawings are compared with."""
        return self.train.take(self._half(1))

    def _half(self, first: int) -> list[int]:
        # ids are digests, so every second one is a fair half; of a handful nothing is halved
        rows = range(len(self.train))
        return list(rows if len(rows) < FEWEST_TO_HALVE else rows[first::2])

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
    known = set(version.manifest["columns"])
    asked = [name for name in SCORED if name in known]
    others = [name for name in ("ocr_text",) if name in known]
    rows = pd.concat([version.read(s, ["image_id", "caption", *asked, *others]) for s in splits])
    pixels = np.concatenate([version.pixels(split, image_px) for split in splits])
    texts = rows["ocr_text"].tolist() if others else [None] * len(rows)
    labels: list[dict[str, Label]] = [
        {str(name): label_on_white(str(name), value) for name, value in row.items() if _told(value)}
        for row in rows[asked].to_dict("records")
    ]
    return Pictures(
        rows["image_id"].tolist(),
        rows["caption"].tolist(),
        pixels,
        labels,
        [isinstance(text, str) and bool(text.strip()) for text in texts],
    )


def _told(value: Any) -> bool:
    return isinstance(value, str | np.ndarray | list) and len(value) > 0


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
        first.labels + second.labels,
        first.has_words + second.has_words,
    )
