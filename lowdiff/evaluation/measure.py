"""The figures of an evaluation: plain values with sample counts, floors and ceilings.

For a score the floor is what guessing reaches and the ceiling what real images reach; for a
distance the floor is what real images reach and the ceiling what random pixels reach.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Any

import torch

from lowdiff.evaluation.edges import edge_f1
from lowdiff.evaluation.intervals import share_interval
from lowdiff.evaluation.lpips import Lpips, open_lpips
from lowdiff.evaluation.pixels import Pixels, to_bytes, to_unit
from lowdiff.evaluation.retrieval import chance, ranks, retrieval
from lowdiff.evaluation.similarity import ssim, thumbnail
from lowdiff.evaluation.subjects import Subjects
from lowdiff.evaluation.tower import Pairs, similarities
from lowdiff.models.two_tower import TwoTower
from lowdiff.models.vae import Vae, psnr_db
from lowdiff.sampling.device import Accelerator

CHUNK = 64
MAX_RECONSTRUCTED = 256


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
    """PSNR, SSIM and edges of held-out images, beside training images and a thumbnail's.

    LPIPS too where its weights are at hand; else `lpips_skipped` says why not. The floor is a
    thumbnail that holds as many numbers as the latents do; the ceiling is what the autoencoder
    reaches on images it has trained on.
    """
    seen = subjects.train.pixels[:MAX_RECONSTRUCTED]
    redrawn = reconstruct(vae, subjects.evaluated.pixels[:MAX_RECONSTRUCTED], accelerator)
    numbers = vae.encode(to_unit(seen[:1]).to(accelerator.device)).numel()
    side_px = max(1, isqrt(numbers // 3))
    floor = Reconstructed(redrawn.original, thumbnail(redrawn.original, side_px))
    lpips = open_lpips()
    measured = None if isinstance(lpips, str) else lpips
    figures = {
        **_likeness(redrawn, measured),
        **({"lpips_skipped": lpips} if isinstance(lpips, str) else {}),
        "n": len(redrawn.original),
        "held_out": len(subjects.held_out) > 0,
        "floor": {**_likeness(floor, measured), "what": f"a thumbnail of {side_px} x {side_px} px"},
        "ceiling": {
            **_likeness(reconstruct(vae, seen, accelerator), measured),
            "n": len(seen),
            "what": "training images",
        },
    }
    return figures, redrawn


def retrieval_figures(tower: TwoTower, drawn: Pairs, real: Pairs) -> dict[str, Any]:
    """Does each drawing find its own prompt among all? Real images are the ceiling.

    `ranks` holds the place of each drawing's own prompt, so that two runs can be compared prompt by
    prompt.
    """
    similarity = similarities(tower, drawn)
    found, places = retrieval(similarity), ranks(similarity)
    within = {
        f"top{k}_interval": [round(end, 4) for end in share_interval(places <= k)]
        for k in (1, 5, 10)
    }
    return {
        **_rounded(found.as_dict()),
        **within,
        "ranks": [round(float(place), 1) for place in places],
        "floor": {**_rounded(chance(found.n).as_dict()), "what": "guessing"},
        "ceiling": {
            **_rounded(retrieval(similarities(tower, real)).as_dict()),
            "what": "the real images of the same prompts",
        },
    }


def _likeness(pair: Reconstructed, lpips: Lpips | None) -> dict[str, float]:
    first, second = to_unit(pair.original), to_unit(pair.redrawn)
    figures = {
        "psnr_db": round(float(psnr_db(first, second).mean()), 3),
        "ssim": round(float(ssim(pair.original, pair.redrawn).mean()), 4),
        "edge_f1": round(float(edge_f1(pair.original, pair.redrawn).mean()), 4),
    }
    if lpips is not None:
        figures["lpips"] = round(lpips(pair.original, pair.redrawn), 4)
    return figures


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 4) for key, value in figures.items()}
