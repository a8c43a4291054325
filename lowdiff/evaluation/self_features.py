"""Features of a small net that has taught itself on the user's own images and captions.

Two looks at one picture shall lie near each other (`models.contrastive`), and near the picture's
caption: at so few images and seconds the captions bring most of what it knows. It learns on one
half of the training images (`Subjects.taught`), is frozen, and measures with the other half. It
ranks models on one dataset version; its figures mean nothing on another, and in its space noise can
look precise: density is not to be headlined there. It hardly sees blur, which random features do:
read both.
"""

import math
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.evaluation.pixels import Pixels, shrink, to_unit
from lowdiff.evaluation.tower import Pairs
from lowdiff.models.contrastive import Eye, look, nt_xent
from lowdiff.models.two_tower import info_nce
from lowdiff.training.cache import cached

EYE_VERSION = "1"
"""Raised by a person when the same images would teach another eye."""
SIDE_PX = 32
STEPS = 220
BATCH = 96
MOST_LOOKS = 4
"""Steps for each image at most: of a handful there is nothing more to learn."""
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 5e-2
LOOKS_WEIGHT = 0.3
TEXT_NOISE = 0.2
SEED = 311
CHUNK = 256


@dataclass(frozen=True)
class SelfFeatures:
    """A frozen eye."""

    eye: Eye
    digest: str
    """Of its weights: figures of different eyes must not be compared."""

    @torch.no_grad()
    def __call__(self, pixels: Pixels) -> Float[Tensor, "n d"]:
        """Features of uint8 images of any size."""
        parts = [
            self.eye(_see(pixels[start : start + CHUNK])) for start in range(0, len(pixels), CHUNK)
        ]
        return torch.cat(parts) if parts else torch.empty(0, self.eye.width)


def self_features(
    taught: Pairs, *, dataset_digest: str, cache: Path, steps: int = STEPS, seed: int = SEED
) -> SelfFeatures:
    """The eye of a dataset version: trained once, then read from the cache.

    Args:
        taught: the images that it learns from, with the sentence features of their captions.
        cache: the workspace's cache folder.
    """
    key: list[str | bytes] = [
        EYE_VERSION,
        dataset_digest,
        str(len(taught.pixels)),
        str(steps),
        str(seed),
    ]
    state = cached(cache / "eye", key, lambda: dict(train_eye(taught, steps, seed).state_dict()))
    eye = Eye()
    eye.load_state_dict(state)
    return SelfFeatures(eye.eval().requires_grad_(False), digest_of(state))


def train_eye(taught: Pairs, steps: int = STEPS, seed: int = SEED) -> Eye:
    """Teach an eye from scratch; the same pairs and number of threads give the same eye."""
    generator = torch.Generator().manual_seed(seed)
    steps = min(steps, MOST_LOOKS * len(taught.pixels))
    eye = new_eye(seed).train()
    captions = _Captions(eye.width, taught.features.shape[1], seed)
    images = _see(taught.pixels)
    learned = [*eye.parameters(), *captions.parameters()]
    optimiser = torch.optim.AdamW(learned, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        rows = torch.randperm(len(images), generator=generator)[:BATCH]
        looks = torch.cat([look(images[rows], generator), look(images[rows], generator)])
        seen = eye(looks.contiguous(memory_format=torch.channels_last))
        text = taught.features[rows]
        text = text + TEXT_NOISE * torch.randn(text.shape, generator=generator)
        loss = info_nce(captions(seen[: len(rows)], text))
        loss = loss + LOOKS_WEIGHT * nt_xent(*eye.compared(seen).chunk(2))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return eye.eval()


class _Captions(nn.Module):
    """The space in which pictures and captions are compared while the eye learns."""

    def __init__(self, width: int, text_width: int, seed: int, *, shared: int = 64) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.image_head = nn.Linear(width, shared)
            self.text_head = nn.Linear(text_width, shared)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(
        self, seen: Float[Tensor, "b d"], text: Float[Tensor, "b t"]
    ) -> Float[Tensor, "b b"]:
        """Scaled similarity of every picture (row) with every caption (column)."""
        pictures = nn.functional.normalize(self.image_head(seen), dim=-1)
        words = nn.functional.normalize(self.text_head(text), dim=-1)
        similarity: Tensor = self.log_scale.exp().clamp(max=100.0) * pictures @ words.T
        return similarity


def new_eye(seed: int = SEED) -> Eye:
    """An eye that has seen nothing yet."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Eye().to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def digest_of(state: dict[str, Tensor]) -> str:
    """64 hex digits of weights."""
    key = sha256()
    for name in sorted(state):
        key.update(name.encode())
        key.update(state[name].contiguous().numpy().tobytes())
    return key.hexdigest()


def _see(pixels: Pixels) -> Float[Tensor, "n 3 h w"]:
    parts = [
        shrink(to_unit(pixels[at : at + CHUNK]), SIDE_PX) for at in range(0, len(pixels), CHUNK)
    ]
    return torch.cat(parts) if parts else torch.empty(0, 3, SIDE_PX, SIDE_PX)
