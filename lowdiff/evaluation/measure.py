"""The figures of an evaluation: plain values with sample counts, floors and ceilings.

For a score the floor is what guessing reaches and the ceiling what real images reach; for a
distance the floor is what real images reach and the ceiling what random pixels reach.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Any

import torch

from lowdiff.evaluation.distribution import kid, mind
from lowdiff.evaluation.features import random_features, standardise
from lowdiff.evaluation.neighbours import Neighbours
from lowdiff.evaluation.pixels import Pixels, to_bytes, to_unit
from lowdiff.evaluation.retrieval import chance, retrieval
from lowdiff.evaluation.similarity import ssim, thumbnail
from lowdiff.evaluation.subjects import Subjects, noise_images
from lowdiff.evaluation.tower import Pairs, similarities
from lowdiff.models.two_tower import TwoTower
from lowdiff.models.vae import Vae, psnr_db
from lowdiff.sampling.device import Accelerator

CHUNK = 64
MAX_RECONSTRUCTED = 256
MAX_REFERENCE = 1_000


@dataclass(frozen=True)
class Reconstructed:
    """Pictures before and after the autoencoder."""

    original: Pixels
    redrawn: Pixels


@torch.no_grad()
def reconstruct(vae: Vae, pixels: Pixels, accelerator: Accelerator) -> Reconstructed:
    """Encode and decode, as bytes as a person would see them."""
    parts = []
    for start in range(0, len(pixels), CHUNK):
        images = to_unit(pixels[start : start + CHUNK]).to(accelerator.device)
        with accelerator.autocast():
            redrawn = vae.decode(vae.encode(images))
        parts.append(redrawn[..., : images.shape[-2], : images.shape[-1]].float().cpu())
    return Reconstructed(pixels, to_bytes(torch.cat(parts)))


def reconstruction_figures(
    vae: Vae, subjects: Subjects, accelerator: Accelerator
) -> tuple[dict[str, Any], Reconstructed]:
    """PSNR and SSIM of held-out images, beside training images and a thumbnail's.

    The floor is a thumbnail that holds as many numbers as the latents do; the ceiling is what the
    autoencoder reaches on images it has trained on.
    """
    seen = subjects.train.pixels[:MAX_RECONSTRUCTED]
    redrawn = reconstruct(vae, subjects.evaluated.pixels[:MAX_RECONSTRUCTED], accelerator)
    numbers = vae.encode(to_unit(seen[:1]).to(accelerator.device)).numel()
    side_px = max(1, isqrt(numbers // 3))
    floor = Reconstructed(redrawn.original, thumbnail(redrawn.original, side_px))
    figures = {
        **_likeness(redrawn),
        "n": len(redrawn.original),
        "held_out": len(subjects.held_out) > 0,
        "floor": {**_likeness(floor), "what": f"a thumbnail of {side_px} x {side_px} px"},
        "ceiling": {
            **_likeness(reconstruct(vae, seen, accelerator)),
            "n": len(seen),
            "what": "training images",
        },
    }
    return figures, redrawn


def retrieval_figures(tower: TwoTower, drawn: Pairs, real: Pairs) -> dict[str, Any]:
    """Does each drawing find its own prompt among all? Real images are the ceiling."""
    found = retrieval(similarities(tower, drawn))
    return {
        **_rounded(found.as_dict()),
        "floor": {**_rounded(chance(found.n).as_dict()), "what": "guessing"},
        "ceiling": {
            **_rounded(retrieval(similarities(tower, real)).as_dict()),
            "what": "the real images of the same prompts",
        },
    }


def distribution_figures(drawn: Pixels, subjects: Subjects) -> dict[str, Any]:
    """Distance of the drawings, as a set, from the training images.

    Both distances depend on the number of images, so floor and ceiling have as many as there are
    drawings.
    """
    count, image_px = len(drawn), drawn.shape[1]
    sets = {
        "drawn": drawn,
        "floor": subjects.prompts.pixels,
        "ceiling": noise_images(count, image_px),
    }
    reference, *others = standardise(
        random_features(subjects.train.pixels[:MAX_REFERENCE]),
        *(random_features(pixels) for pixels in sets.values()),
    )
    distances = {
        name: {"mind": round(mind(found, reference), 3), "kid": round(kid(found, reference), 4)}
        for name, found in zip(sets, others, strict=True)
    }
    return {
        **distances["drawn"],
        "n": count,
        "n_reference": len(reference),
        "features": "random convolutions",
        "floor": {**distances["floor"], "what": "the real images of the same prompts"},
        "ceiling": {**distances["ceiling"], "what": "random pixels"},
    }


def copy_figures(drawn: Neighbours, real: Neighbours) -> dict[str, Any]:
    """Share of drawings that copy a training image, beside that of held-out images."""
    return {
        "rate": round(drawn.copy_rate, 4),
        "n": len(drawn.ratio),
        "median_distance": round(float(drawn.distance.median()), 4),
        "rule": "three times nearer to the nearest training image than to the second, 16 x 16 px",
        "ceiling": {
            "rate": round(real.copy_rate, 4),
            "n": len(real.ratio),
            "median_distance": round(float(real.distance.median()), 4),
            "what": "held-out images",
        },
    }


def _likeness(pair: Reconstructed) -> dict[str, float]:
    first, second = to_unit(pair.original), to_unit(pair.redrawn)
    return {
        "psnr_db": round(float(psnr_db(first, second).mean()), 3),
        "ssim": round(float(ssim(pair.original, pair.redrawn).mean()), 4),
    }


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 4) for key, value in figures.items()}
