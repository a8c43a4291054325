"""The pixels and captions of a dataset version, as training wants them."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from lowdiff.datasets.read import Version
from lowdiff.errors import ContractError, InputError


def check_version(version: Version) -> None:
    """Refuse a dataset version that cannot be trained on, before anything is computed.

    Raises:
        InputError: the train split is empty.
        ContractError: it was exported by another schema, without what training reads.
    """
    columns = version.manifest.get("columns", [])
    missing = sorted({"image", "caption"} - set(columns))
    if missing:
        raise ContractError(
            version.folder,
            f"was exported with another schema ({version.schema_version}): it has no column "
            f"{', '.join(missing)}",
            reason="other_schema",
            found=", ".join(columns),
            allowed="image, caption and any others",
            do="Export it again with `lowdiff export`.",
        )
    if not version.rows("train"):
        raise InputError(
            version.folder,
            "has no images to train on",
            reason="empty_dataset",
            do="Label and export more images.",
        )


def load_pixels(version: Version, split: str, size_px: int) -> UInt8[Tensor, "n h w 3"]:
    """The images of a split, fitted into white squares."""
    return torch.from_numpy(version.pixels(split, size_px))


def dataset_record(version: Version) -> dict[str, str | int]:
    """What a run's config says of its data."""
    return {"name": version.name, "version": version.number, "digest": version.digest}


def to_images(pixels: UInt8[Tensor, "b h w 3"], device: torch.device) -> Float[Tensor, "b 3 h w"]:
    """Bytes to [-1, 1], channels first in shape and last in memory."""
    floats = pixels.to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
    return floats.contiguous(memory_format=torch.channels_last)
