"""The pixels and captions of a dataset version, as training wants them."""

from typing import NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from lowdiff.datasets.read import Version
from lowdiff.errors import InputError


class Captions(NamedTuple):
    """The forms of each image's caption.

    Attributes:
        full: the whole caption.
        short: the part before the first comma, which is the subject.
    """

    full: list[str]
    short: list[str]


def load_pixels(version: Version, split: str, size_px: int) -> UInt8[Tensor, "n h w 3"]:
    """The images of a split, fitted into white squares.

    Raises:
        InputError: the train split is empty.
    """
    if split == "train" and not version.rows(split):
        raise InputError(
            version.folder,
            "has no images to train on",
            reason="empty_dataset",
            do="Label and export more images.",
        )
    return torch.from_numpy(version.pixels(split, size_px))


def load_captions(version: Version, split: str) -> Captions:
    """The captions of a split in the order of its pixels; an image without one has "" there."""
    full = [
        text if isinstance(text, str) else "" for text in version.read(split, ["caption"]).caption
    ]
    return Captions(full, [short_form(text) for text in full])


def short_form(caption: str) -> str:
    """The subject of a caption: the part before the first comma, without a full stop."""
    return caption.split(",", 1)[0].strip().rstrip(".")


def dataset_record(version: Version) -> dict[str, str | int]:
    """What a run's config says of its data."""
    return {"name": version.name, "version": version.number, "digest": version.digest}


def to_images(pixels: UInt8[Tensor, "b h w 3"], device: torch.device) -> Float[Tensor, "b 3 h w"]:
    """Bytes to [-1, 1], channels first in shape and last in memory."""
    floats = pixels.to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
    return floats.contiguous(memory_format=torch.channels_last)
