"""Feature spaces by name: what an image is, as numbers that distances can be measured between.

`self` and `random` need nothing but the user's images, and are always measured. Others are named by
the user: `tower` (the judge of image and caption), `hub:<model id or folder>` (DINOv2, CLIP or any
other vision model of transformers) and `inception` or `inception:<weights file>` (as FID is made
of; needs the extra `eval`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.errors import InputError
from lowdiff.evaluation.features import random_features
from lowdiff.evaluation.pixels import Pixels
from lowdiff.evaluation.self_features import self_features
from lowdiff.evaluation.tower import Pairs, look_at
from lowdiff.models.two_tower import TwoTower

ALWAYS = ("self", "random")
HUB, INCEPTION = "hub:", "inception"
CHUNK = 64


@dataclass(frozen=True)
class Space:
    """A way to turn images into vectors."""

    name: str
    """As the user says it; see `key` for its name in an evaluation."""
    what: str
    """Name and version of the extractor; figures of different ones must not be compared."""
    embed: Callable[[Pixels], Float[Tensor, "n d"]]

    @property
    def key(self) -> str:
        """The name without characters that a path of a figure cannot have."""
        return re.sub(r"[^A-Za-z0-9_]+", "-", self.name).strip("-")


def open_spaces(
    names: Sequence[str], *, taught: Pairs, dataset_digest: str, cache: Path, tower: TwoTower
) -> list[Space]:
    """The spaces that are always measured, and those named; each once.

    Args:
        names: besides `ALWAYS`.
        taught: the images and captions that `self` may learn from; never measured with.
        tower: the judge of the dataset version.

    Raises:
        InputError: a name is not known, or its model cannot be loaded.
    """

    def opened(name: str) -> Space:
        if name == "self":
            eye = self_features(taught, dataset_digest=dataset_digest, cache=cache)
            return Space(name, f"self-taught eye {eye.digest[:12]}", eye)
        if name == "random":
            return Space(name, "random convolutions", random_features)
        if name == "tower":
            return Space(name, "image tower of the judge", lambda px: look_at(tower, px))
        if name.startswith(HUB) and name != HUB:
            return Space(name, name.removeprefix(HUB), _hub(name.removeprefix(HUB)))
        if name == INCEPTION or name.startswith(INCEPTION + ":"):
            return Space(name, "InceptionV3 of torch-fidelity", _inception(name[len(INCEPTION) :]))
        raise InputError(
            f"feature space {name}",
            "is not known",
            reason="unknown_space",
            allowed="self, random, tower, hub:<model id or folder>, inception[:<weights file>]",
        )

    return [opened(name) for name in dict.fromkeys((*ALWAYS, *names))]


def _hub(model: str) -> Callable[[Pixels], Tensor]:
    from lowdiff.labels.learn.features import Look
    from lowdiff.labels.learn.hub import HubFeatures  # transformers takes a while to import

    extractor = HubFeatures(model)

    def embed(pixels: Pixels) -> Tensor:
        opaque = np.full((*pixels.shape[:3], 1), 255, dtype=np.uint8)
        rgba = np.concatenate([pixels, opaque], axis=3)
        looks = [Look(one, None, 0.0, 0.0) for one in rgba]
        parts = [
            torch.from_numpy(extractor(looks[at : at + CHUNK]))
            for at in range(0, len(looks), CHUNK)
        ]
        return torch.cat(parts)

    return embed


def _inception(path: str) -> Callable[[Pixels], Tensor]:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except (ImportError, RuntimeError) as error:  # a torchvision of another torch fails late
        raise InputError(
            "feature space inception",
            f"needs torch-fidelity and a torchvision that fits torch ({error})",
            reason="extra_missing",
            do="Install it with `pip install 'lowdiff[eval]'`.",
        ) from error
    weights = path.removeprefix(":") or None
    try:
        net = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=weights
        )
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"feature space inception{path}",
            f"its weights cannot be loaded ({str(error).splitlines()[0]})",
            reason="bad_model",
            do="Name a file: inception:<weights file>; without one they are downloaded.",
        ) from error

    @torch.no_grad()
    def embed(pixels: Pixels) -> Tensor:
        parts = []
        for at in range(0, len(pixels), CHUNK):
            images = torch.tensor(pixels[at : at + CHUNK]).permute(0, 3, 1, 2)
            parts.append(net(images.contiguous())[0].float())
        return torch.cat(parts)

    return embed
