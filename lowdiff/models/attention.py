"""Attention on feature maps: among their own cells, and to the words of a caption.

Queries and keys are normalised (Dehghani et al. 2023, arXiv:2302.05442), so attention cannot
saturate. On CPUs the softmax part runs in float32: its bfloat16 backward pass is many times slower.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from lowdiff.models.layers import GroupNorm, zero_init
from lowdiff.models.rotary import rotate
from lowdiff.models.text import Text


class Attention(nn.Module):
    """Every cell of a feature map looks at all others; starts as the identity."""

    def __init__(self, channels: int, *, head_width: int) -> None:
        super().__init__()
        self.heads = channels // head_width
        self.norm = GroupNorm(channels)
        self.project = nn.Linear(channels, 3 * channels)
        self.out = zero_init(nn.Linear(channels, channels))
        self.scale = nn.Parameter(torch.full((self.heads,), float(head_width) ** 0.5))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return x plus what the cells found in each other."""
        query, key, value = self.project(as_cells(self.norm(x))).chunk(3, dim=-1)
        found = attend(query, key, value, heads=self.heads, scale=self.scale, mask=None)
        return x + as_map(self.out(found), x)


class CrossAttention(nn.Module):
    """Every cell of a feature map looks at the words of its caption; starts as the identity."""

    def __init__(self, channels: int, text_width: int, *, head_width: int) -> None:
        super().__init__()
        self.heads = channels // head_width
        self.norm = GroupNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.words = nn.Linear(text_width, 2 * channels)
        self.out = zero_init(nn.Linear(channels, channels))
        self.scale = nn.Parameter(torch.full((self.heads,), float(head_width) ** 0.5))

    def forward(self, x: Float[Tensor, "b c h w"], text: Text) -> Float[Tensor, "b c h w"]:
        """Return x plus what the cells found in the words; masked words have no say."""
        key, value = self.words(text.tokens).chunk(2, dim=-1)
        query = self.query(as_cells(self.norm(x)))
        found = attend(query, key, value, heads=self.heads, scale=self.scale, mask=text.mask)
        return x + as_map(self.out(found), x)


def attend(
    query: Float[Tensor, "b n c"],
    key: Float[Tensor, "b l c"],
    value: Float[Tensor, "b l c"],
    *,
    heads: int,
    scale: Float[Tensor, " heads"],
    mask: Bool[Tensor, "b l"] | None,
    angles: Float[Tensor, "n half"] | None = None,
) -> Float[Tensor, "b n c"]:
    """Scaled dot-product attention over normalised queries and keys.

    Args:
        scale: what each head multiplies the cosine of query and key by.
        mask: True where a key may be looked at; every row needs one.
        angles: where queries and keys stand, which then are of one number; see `rotary`.
    """
    query, key, value = (_by_head(part, heads) for part in (query, key, value))
    query = F.normalize(query.float(), dim=-1) * scale[:, None, None]
    key = F.normalize(key.float(), dim=-1)
    if angles is not None:
        query, key = rotate(query, angles), rotate(key, angles)
    precise = torch.float32 if value.device.type == "cpu" else value.dtype
    with _without_autocast(value.device):
        found = F.scaled_dot_product_attention(
            query.to(precise),
            key.to(precise),
            value.to(precise),
            attn_mask=None if mask is None else mask[:, None, None, :],
            scale=1.0,
        )
    return found.transpose(1, 2).flatten(2)


def as_cells(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n c"]:
    """A feature map as a sequence of cells, row by row."""
    return x.flatten(2).transpose(1, 2)


def as_map(
    cells: Float[Tensor, "b n c"], like: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b c h w"]:
    """A sequence of cells as a feature map of `like`'s size."""
    return cells.transpose(1, 2).reshape(like.shape)


def _without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Precision as it comes; the meta device, where FLOPs are counted, knows no autocast."""
    if device.type == "meta":
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def _by_head(x: Tensor, heads: int) -> Tensor:
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)
