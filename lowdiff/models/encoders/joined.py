"""Several text encoders as one: meaning from one, spelling from the other."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lowdiff.models.encoders.base import FittedEncoder, TextEncoder
from lowdiff.models.text import Text


class Joined:
    """The tokens of one encoder after those of the other, each in channels of its own.

    The pooled vectors stand side by side. A caption that only one of them can read is what that one
    reads.
    """

    def __init__(self, parts: Sequence[TextEncoder]) -> None:
        self.parts = list(parts)
        self.name = "+".join(part.name for part in self.parts)

    @property
    def width(self) -> int:
        """The sum of the parts."""
        return sum(part.width for part in self.parts)

    @property
    def max_tokens(self) -> int:
        """The sum of the parts."""
        return sum(part.max_tokens for part in self.parts)

    def version(self) -> str:
        """The versions of all parts."""
        return "+".join(part.version() for part in self.parts)

    def encode(self, texts: Sequence[str]) -> tuple[Text, list[bool]]:
        """See `TextEncoder.encode`; a text is cut when one of the parts cuts it."""
        found = [part.encode(texts) for part in self.parts]
        lengths = torch.stack([features.mask.sum(1) for features, _ in found])
        longest = max(1, int(lengths.sum(0).max())) if len(texts) else 1
        tokens = torch.zeros(len(texts), longest, self.width)
        mask = torch.arange(longest) < lengths.sum(0)[:, None]
        channel = 0
        starts = lengths.cumsum(0) - lengths
        for (features, _), start in zip(found, starts, strict=True):
            width = features.tokens.shape[-1]
            row, place = features.mask.nonzero(as_tuple=True)
            tokens[row, start[row] + place, channel : channel + width] = features.tokens[row, place]
            channel += width
        pooled = torch.cat([features.pooled for features, _ in found], dim=1)
        return Text(tokens, mask, pooled), [
            any(marks) for marks in zip(*(cut for _, cut in found), strict=True)
        ]

    def fit(self, texts: Sequence[str]) -> None:
        """Let those parts learn that do."""
        for part in self.parts:
            if isinstance(part, FittedEncoder):
                part.fit(texts)

    def state(self) -> dict[str, Tensor]:
        """What each part learned."""
        return {
            f"{number}.{name}": tensor
            for number, part in enumerate(self.parts)
            if isinstance(part, FittedEncoder)
            for name, tensor in part.state().items()
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Give each part back what it learned."""
        for number, part in enumerate(self.parts):
            if isinstance(part, FittedEncoder):
                start = f"{number}."
                part.load(
                    {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
                )
