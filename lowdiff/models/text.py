"""What a denoiser knows of a caption: tokens, which of them count, and one pooled vector."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class Text(NamedTuple):
    """Encoded captions, padded to the longest.

    Attributes:
        tokens: one vector per token; what lies under a False of the mask is ignored.
        mask: True where there is a token. A row without any True has no caption.
        pooled: one vector for the whole caption.
    """

    tokens: Float[Tensor, "b l d"]
    mask: Bool[Tensor, "b l"]
    pooled: Float[Tensor, "b d"]

    def keep(self, kept: Bool[Tensor, " b"]) -> "Text":
        """The same captions, left out where `kept` is False."""
        return self._replace(mask=self.mask & kept[:, None])

    def without_caption(self) -> "Text":
        """As many rows, none of which has a caption."""
        return self._replace(mask=torch.zeros_like(self.mask))

    def to(self, device: torch.device) -> "Text":
        """The same on a device."""
        return Text(*(part.to(device) for part in self))
