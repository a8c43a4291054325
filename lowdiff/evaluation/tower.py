"""Train the judge of "does this image belong to this caption?" on the training pairs of a version.

It is small and trained for a fixed number of steps, so it ranks models and does not certify them:
the score of real images is printed beside every score. Its text features come from the same frozen
sentence encoder as the generator's, its eyes are its own.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.evaluation.pixels import Pixels, shrink, to_unit
from lowdiff.models.two_tower import TwoTower, info_nce
from lowdiff.training.cache import cached

TOWER_VERSION = "1"
"""Raised by a person when the same pairs would train another judge."""
SIDE_PX = 32
CHANNELS = (16, 32, 64, 128)
STEPS = 250
BATCH = 128
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.1
TEXT_NOISE = 0.2
TEXT_DROPOUT = 0.2
SHIFT_PX = 2
SEED = 77


@dataclass(frozen=True)
class Pairs:
    """Images and the sentence features of their captions, row by row."""

    pixels: Pixels
    features: Float[Tensor, "n t"]


def trained_tower(pairs: Pairs, *, dataset_digest: str, text_version: str, cache: Path) -> TwoTower:
    """The judge of a dataset version: trained once, then read from the cache.

    Args:
        pairs: of the train split.
        text_version: name and version of the sentence encoder.
        cache: the workspace's cache folder.
    """
    tower = TwoTower(pairs.features.shape[1], channels=CHANNELS)

    def train() -> dict[str, Tensor]:
        return dict(train_tower(pairs).state_dict())

    key: list[str | bytes] = [TOWER_VERSION, dataset_digest, text_version]
    tower.load_state_dict(cached(cache / "two_tower", key, train))
    return tower.eval()


def train_tower(pairs: Pairs, *, steps: int = STEPS) -> TwoTower:
    """Train a judge from scratch; the same pairs and number of threads give the same judge."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        tower = TwoTower(pairs.features.shape[1], channels=CHANNELS)
    images = _look(pairs.pixels)
    optimiser = torch.optim.AdamW(tower.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        rows = torch.randperm(len(images), generator=generator)[:BATCH]
        batch = _vary(images[rows], generator).contiguous(memory_format=torch.channels_last)
        loss = info_nce(tower(batch, _blur_text(pairs.features[rows], generator)))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    trained: TwoTower = tower.eval()
    return trained


@torch.no_grad()
def look_at(tower: TwoTower, pixels: Pixels) -> Float[Tensor, "n d"]:
    """Unit vectors of images: what the judge sees in them."""
    seen: Tensor = tower.embed_images(_look(pixels)).float()
    return seen


@torch.no_grad()
def similarities(tower: TwoTower, pairs: Pairs) -> Float[Tensor, "n n"]:
    """Of every image (row) with every caption (column)."""
    return tower(_look(pairs.pixels), pairs.features).float()  # type: ignore[no-any-return]


def _look(pixels: Pixels) -> Float[Tensor, "n 3 h w"]:
    parts = [shrink(to_unit(pixels[at : at + 256]), SIDE_PX) for at in range(0, len(pixels), 256)]
    return torch.cat(parts) if parts else torch.empty(0, 3, SIDE_PX, SIDE_PX)


def _vary(images: Float[Tensor, "b 3 h w"], generator: torch.Generator) -> Tensor:
    """Move the batch a little and mirror half of it: a caption stays true."""
    across, down = torch.randint(-SHIFT_PX, SHIFT_PX + 1, (2,), generator=generator).tolist()
    moved = torch.roll(images, (down, across), dims=(2, 3))
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirrored[:, None, None, None], moved.flip(3), moved)


def _blur_text(features: Float[Tensor, "b t"], generator: torch.Generator) -> Tensor:
    """Noise and dropout, so that the judge does not learn single captions by heart."""
    noisy = features + TEXT_NOISE * torch.randn(features.shape, generator=generator)
    kept = torch.rand(features.shape, generator=generator) >= TEXT_DROPOUT
    return noisy * kept / (1 - TEXT_DROPOUT)
