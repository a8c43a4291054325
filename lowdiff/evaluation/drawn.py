"""Everything that is measured on the drawings themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from lowdiff.evaluation.copies import copy_figures, nearness
from lowdiff.evaluation.families import distribution_figures
from lowdiff.evaluation.features import standardise
from lowdiff.evaluation.labels import (
    head_scores,
    measured_scores,
    summary,
    zero_shot_scores,
)
from lowdiff.evaluation.lettering import ReadPicture, quoted_words, spelling_figures
from lowdiff.evaluation.measure import reconstruct, retrieval_figures
from lowdiff.evaluation.neighbours import Neighbours, thumbnails
from lowdiff.evaluation.pixels import Pixels
from lowdiff.evaluation.sheet import nearest_sheet
from lowdiff.evaluation.spaces import Space
from lowdiff.evaluation.subjects import Subjects
from lowdiff.evaluation.tower import Pairs, look_at
from lowdiff.models.two_tower import TwoTower
from lowdiff.models.vae import Vae
from lowdiff.sampling.device import Accelerator


@dataclass(frozen=True)
class Drawn:
    """One drawing for each prompt."""

    pixels: Pixels
    seeds: list[int]


@dataclass(frozen=True)
class Judges:
    """What looks at the drawings."""

    tower: TwoTower
    prompts: Float[Tensor, "n t"]
    """Sentence features of the prompts."""
    sentences: Callable[[list[str]], Float[Tensor, "k t"]]
    """Sentence features of any texts."""
    spaces: Sequence[Space]


@dataclass(frozen=True)
class Found:
    """What was found."""

    figures: dict[str, Any]
    rows: list[dict[str, Any]]
    """Of each drawing: prompt, seed, rank of its prompt, and its nearest training image."""
    sheet: Image.Image


def drawn_figures(
    drawn: Drawn,
    subjects: Subjects,
    judges: Judges,
    vae: Vae,
    accelerator: Accelerator,
    read: ReadPicture | None,
) -> Found:
    """Retrieval, distances, copies, labels and spelling."""
    prompts, train = subjects.prompts, subjects.train
    retrieval = retrieval_figures(
        judges.tower, Pairs(drawn.pixels, judges.prompts), Pairs(prompts.pixels, judges.prompts)
    )
    eye = next(space for space in judges.spaces if space.name == "self")
    near = {
        "pixels": nearness(*map(thumbnails, _copied(drawn, subjects))),
        "self": nearness(*_in_units_of_last([eye.embed(px) for px in _copied(drawn, subjects)])),
    }
    distribution = distribution_figures(drawn.pixels, subjects, judges.spaces)
    copies = copy_figures(near)
    distribution["copy_rate"] = copies["rate"]
    figures = {
        "retrieval": retrieval,
        "distribution": distribution,
        "copies": copies,
        **_label_figures(drawn.pixels, subjects, judges, eye),
        "spelling": _spelling(drawn.pixels, subjects, vae, accelerator, read),
    }
    nearest = near["pixels"].drawn
    rows = _rows(drawn, subjects, nearest, near["self"].drawn, retrieval["ranks"])
    return Found(figures, rows, nearest_sheet(drawn.pixels, train.pixels, nearest))


def _copied(drawn: Drawn, subjects: Subjects) -> tuple[Pixels, Pixels, Pixels]:
    return drawn.pixels, subjects.held_out.pixels, subjects.train.pixels


def _in_units_of_last(features: Sequence[Tensor]) -> list[Tensor]:
    *others, last = features
    base, *found = standardise(last, *others)
    return [*found, base]


def _label_figures(drawn: Pixels, subjects: Subjects, judges: Judges, eye: Space) -> dict[str, Any]:
    prompts, train = subjects.prompts, subjects.train
    random = next(space for space in judges.spaces if space.name == "random")

    def both(pixels: Pixels) -> Tensor:
        return torch.cat([eye.embed(pixels), random.embed(pixels)], dim=1)

    units = _in_units_of_last([both(drawn), both(prompts.pixels), both(train.pixels)])
    heads = head_scores(prompts.labels, units[0], units[1], examples=units[2], labels=train.labels)
    zero_shot = zero_shot_scores(
        prompts.labels,
        look_at(judges.tower, drawn),
        look_at(judges.tower, prompts.pixels),
        lambda sentences: judges.tower.embed_texts(judges.sentences(sentences)),
    )
    measured = measured_scores(prompts.labels, drawn, prompts.pixels)
    return {"labels": summary(measured | heads), "zero_shot": summary(zero_shot)}


def _spelling(
    drawn: Pixels,
    subjects: Subjects,
    vae: Vae,
    accelerator: Accelerator,
    read: ReadPicture | None,
) -> dict[str, Any]:
    prompts = subjects.prompts
    if read is None or not any(map(quoted_words, prompts.captions)):
        return spelling_figures(prompts.captions, drawn, drawn, drawn, read)
    redrawn = reconstruct(vae, prompts.pixels, accelerator).redrawn
    return spelling_figures(prompts.captions, drawn, prompts.pixels, redrawn, read)


def _rows(
    drawn: Drawn, subjects: Subjects, near: Neighbours, seen: Neighbours, ranks: list[float]
) -> list[dict[str, Any]]:
    return [
        {
            "prompt": subjects.prompts.captions[row],
            "seed": drawn.seeds[row],
            "rank": ranks[row],
            "image_id": subjects.prompts.image_ids[row],
            "nearest_image_id": subjects.train.image_ids[int(near.index[row])],
            "distance": round(float(near.distance[row]), 4),
            "ratio": round(float(near.ratio[row]), 4),
            "is_copy": bool(near.is_copy[row]),
            "is_copy_in_features": bool(seen.is_copy[row]),
        }
        for row in range(len(drawn.seeds))
    ]
