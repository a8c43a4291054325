"""Two towers with one embedding space: does this image belong to this caption?

Source: Radford et al. 2021, arXiv:2103.00020 (the symmetric contrastive loss, InfoNCE of
van den Oord et al. 2018, arXiv:1807.03748, with a learned temperature), in a small form.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class TwoTower(nn.Module):
    """A small convolutional image tower, and a linear text tower over ready sentence features.

    Args:
        text_width: of the sentence features.
        width: of the shared embedding.
        channels: of the image tower's four stages; each but the first halves the side.
    """

    def __init__(
        self,
        text_width: int,
        *,
        width: int = 128,
        channels: tuple[int, int, int, int] = (32, 64, 96, 128),
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        before = 3
        for index, after in enumerate(channels):
            stride = 1 if index == 0 else 2
            stages += [
                nn.Conv2d(before, after, 3, stride=stride, padding=1),
                nn.GroupNorm(8, after),
                nn.SiLU(),
            ]
            before = after
        self.image_tower = nn.Sequential(*stages)
        self.image_head = nn.Linear(16 * before, width)
        self.text_head = nn.Linear(text_width, width)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def embed_images(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Unit vectors of images in [-1, 1]; the last stage is pooled to 4×4 places."""
        places = nn.functional.adaptive_avg_pool2d(self.image_tower(images), 4)
        return nn.functional.normalize(self.image_head(places.flatten(1)), dim=-1)

    def embed_texts(self, features: Float[Tensor, "b t"]) -> Float[Tensor, "b d"]:
        """Unit vectors of sentence features of unit scale."""
        return nn.functional.normalize(self.text_head(features), dim=-1)

    def forward(
        self, images: Float[Tensor, "b 3 h w"], features: Float[Tensor, "b t"]
    ) -> Float[Tensor, "b b"]:
        """Scaled similarity of every image (row) with every text (column)."""
        scale = self.log_scale.exp().clamp(max=100.0)
        similarity: Tensor = scale * self.embed_images(images) @ self.embed_texts(features).T
        return similarity


def info_nce(similarity: Float[Tensor, "b b"]) -> Float[Tensor, ""]:
    """How badly pairs on the diagonal are found among all, from both sides; ln(b) is chance."""
    target = torch.arange(similarity.shape[0], device=similarity.device)
    rows = nn.functional.cross_entropy(similarity, target)
    columns = nn.functional.cross_entropy(similarity.T, target)
    return (rows + columns) / 2
