"""How like two pictures are, beside PSNR (`models.vae.psnr_db`), and the bar for autoencoders."""

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.evaluation.pixels import Pixels, shrink, to_bytes, to_unit


def ssim(first: Pixels, second: Pixels) -> Float[Tensor, " n"]:
    """Structural similarity of each pair, in [-1, 1], 1 for equal images of at least 11 px.

    Gaussian window of 11 px and σ = 1.5, K1 = 0.01, K2 = 0.03, over the places where the window
    fits, mean over colours. Source: Wang et al. 2004, IEEE TIP 13(4).
    """
    a, b = ((to_unit(pixels).double() + 1) / 2 for pixels in (first, second))
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a = _blur(a * a) - mean_a**2
    variance_b = _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return (luminance * structure).flatten(1).mean(1)


def thumbnail(pixels: Pixels, side_px: int) -> Pixels:
    """The images seen through a plain thumbnail of `side_px`: what an autoencoder must beat."""
    small = shrink(to_unit(pixels), side_px)
    size = pixels.shape[1]
    large = torch.nn.functional.interpolate(
        small, size=(size, size), mode="bicubic", align_corners=False
    )
    return to_bytes(large)


def _blur(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h2 w2"]:
    place = torch.arange(11, dtype=torch.float64) - 5
    line = torch.exp(-(place**2) / (2 * 1.5**2))
    line = line / line.sum()
    channels = images.shape[1]
    column = line.view(1, 1, 11, 1).repeat(channels, 1, 1, 1)
    row = line.view(1, 1, 1, 11).repeat(channels, 1, 1, 1)
    blurred = torch.nn.functional.conv2d(images, column, groups=channels)
    return torch.nn.functional.conv2d(blurred, row, groups=channels)
