"""Between the two forms of a picture: uint8 arrays of people and unit tensors of nets."""

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

Pixels = npt.NDArray[np.uint8]


def to_unit(pixels: UInt8[Pixels, "n h w 3"]) -> Float[Tensor, "n 3 h w"]:
    """Floats in [-1, 1] from bytes in [0, 255]."""
    tensor = torch.tensor(pixels).permute(0, 3, 1, 2)
    return tensor.float() / 127.5 - 1


def to_bytes(images: Float[Tensor, "n 3 h w"]) -> UInt8[Pixels, "n h w 3"]:
    """Bytes in [0, 255] from floats in [-1, 1]; what lies outside is cut off."""
    scaled = ((images.float() + 1) * 127.5).round().clamp(0, 255)
    array: Pixels = scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return array


def shrink(images: Float[Tensor, "n 3 h w"], size_px: int) -> Float[Tensor, "n 3 size size"]:
    """Average over areas; larger sizes repeat pixels."""
    return torch.nn.functional.interpolate(images, size=(size_px, size_px), mode="area")
