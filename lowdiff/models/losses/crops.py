"""Squares of several scales from images of one size: an autoencoder sees millions of them."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def random_scale_crops(
    images: Float[Tensor, "n 3 h w"],
    *,
    crop_px: int,
    share: float,
    corners: Float[Tensor, "n 2"],
) -> Float[Tensor, "n 3 crop crop"]:
    """A square of each image, brought to one size.

    Args:
        crop_px: side of what comes out.
        share: the square's side, of the shorter side of the image; in (0, 1].
        corners: where it lies, 0 to 1 down and across.
    """
    height, width = images.shape[-2:]
    side = max(1, round(share * min(height, width)))
    places = torch.arange(side, device=images.device)
    down = (corners[:, 0] * (height - side + 1)).long().clamp_max(height - side)
    across = (corners[:, 1] * (width - side + 1)).long().clamp_max(width - side)
    rows = (down[:, None] + places)[:, None, :, None]
    columns = (across[:, None] + places)[:, None, None, :]
    one = torch.arange(len(images), device=images.device)[:, None, None, None]
    channel = torch.arange(images.shape[1], device=images.device)[None, :, None, None]
    cut = images[one, channel, rows, columns]
    if side == crop_px:
        return cut
    return F.interpolate(cut, (crop_px, crop_px), mode="bilinear", antialias=side > crop_px)
