"""The loss that training lowers, on images it has seen and on images it has not, by noise."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.evaluation.pixels import to_unit
from lowdiff.evaluation.subjects import Pictures
from lowdiff.models.objectives.objective import Objective, objective_of_run
from lowdiff.models.text import Text
from lowdiff.sampling.generator import Generator

TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""The middles of five equal bands of noise: 0 is a clean image, 1 is nothing but noise."""
BAND = 0.2
SEED = 1
CHUNK = 64
MAX_IMAGES = 128
"""Of each split."""


def denoising_losses(
    generator: Generator, config: dict[str, Any], train: Pictures, validation: Pictures
) -> dict[str, Any]:
    """Mean loss and loss by band, with the same noise for both.

    Args:
        config: of the run; it names the objective.

    Returns:
        `train`, `validation` (means over the bands; None without images) and their `gap`,
        `n_train`, `n_validation`, and `bands`: `low`, `high`, `train`, `validation`, `gap` each.
    """
    objective = objective_of_run(config, item=generator.run_id)
    named = {"train": train, "validation": validation}
    losses: dict[str, list[float] | None] = {}
    for name, pictures in named.items():
        first = pictures.take(list(range(min(MAX_IMAGES, len(pictures)))))
        losses[name] = _by_time(generator, objective, first) if len(first) else None
    means = {
        name: None if values is None else round(sum(values) / len(values), 5)
        for name, values in losses.items()
    }
    counts = {f"n_{name}": min(MAX_IMAGES, len(pictures)) for name, pictures in named.items()}
    bands = [
        {
            "low": round(time - BAND / 2, 3),
            "high": round(time + BAND / 2, 3),
            **{name: None if v is None else round(v[index], 5) for name, v in losses.items()},
        }
        for index, time in enumerate(TIMES)
    ]
    gaps = [_gap(one) for one in (means, *bands)]
    bands = [{**band, "gap": gap} for band, gap in zip(bands, gaps[1:], strict=True)]
    return {**means, **counts, "gap": gaps[0], "bands": bands}


def _gap(losses: dict[str, Any]) -> float | None:
    """By how much held-out images are harder: what was learned by heart shows here first."""
    train, validation = losses["train"], losses["validation"]
    return None if train is None or validation is None else round(validation - train, 5)


@torch.no_grad()
def _by_time(generator: Generator, objective: Objective, pictures: Pictures) -> list[float]:
    device = generator.accelerator.device
    totals = torch.zeros(len(TIMES), dtype=torch.float64)
    source = torch.Generator().manual_seed(SEED)
    for start in range(0, len(pictures), CHUNK):
        part = slice(start, start + CHUNK)
        text, _ = generator.encoder.encode(pictures.captions[part])
        with generator.accelerator.autocast():
            data = generator.vae.encode(to_unit(pictures.pixels[part]).to(device)).float()
        noise = torch.randn(data.shape, generator=source).to(device)
        losses = [_loss_at(generator, objective, t, data, noise, text.to(device)) for t in TIMES]
        totals += torch.stack(losses).sum(1).double().cpu()
    return [float(total) / len(pictures) for total in totals]


def _loss_at(
    generator: Generator, objective: Objective, time: float, data: Tensor, noise: Tensor, text: Text
) -> Float[Tensor, " b"]:
    times = torch.full((len(data),), time, device=data.device)
    with generator.accelerator.autocast():
        x_t = objective.noised(data, noise, times)
        prediction = generator.plain(data)(x_t, times, text)
    return objective.losses(prediction, data, noise, times)
