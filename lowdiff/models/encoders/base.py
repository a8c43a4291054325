"""What every text encoder offers."""

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from lowdiff.errors import InputError
from lowdiff.models.text import Text


class TextEncoder(Protocol):
    """Sentences in, tokens and one pooled vector out.

    Attributes:
        name: what `find_encoder` makes it from; a run's config holds it.
        width: of a token and of the pooled vector.
        max_tokens: longer texts are cut there.
    """

    name: str

    @property
    def width(self) -> int:
        """Of a token and of the pooled vector; told without loading weights."""

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut there, and counted."""

    def version(self) -> str:
        """Changes when the same text would give other features; cheap, loads no weights."""

    def encode(self, texts: Sequence[str]) -> tuple[Text, list[bool]]:
        """Encode texts of any length; an empty one has no token, which means no caption.

        Returns:
            features padded to the longest text, float32 on the CPU, the tokens of a row before its
            padding; and for each text whether it was cut.
        """


@runtime_checkable
class FittedEncoder(Protocol):
    """A text encoder that learns from the training captions first; a run keeps what it learned."""

    def fit(self, texts: Sequence[str]) -> None:
        """Learn from the captions of the training images."""

    def state(self) -> dict[str, Tensor]:
        """What was learned, to be kept with a run."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Take back what `state` gave.

        Raises:
            ContractError: it is of another encoder.
        """


def unit_scale(pooled: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
    """Vectors with a root mean square of one, whatever the encoder's scale; zeros stay zero."""
    unit: Tensor = F.normalize(pooled, dim=-1)
    return unit * math.sqrt(pooled.shape[-1])


def one_token(features: Float[Tensor, "b d"]) -> Text:
    """A text of one token per row; a row of zeros says nothing and is no caption."""
    return Text(features[:, None], features.any(dim=1, keepdim=True), features)


def pack_strings(strings: Sequence[str]) -> Tensor:
    """Strings as one tensor of bytes, for a file of tensors; none may hold a line break."""
    return torch.tensor(list("\n".join(strings).encode()), dtype=torch.uint8)


def unpack_strings(packed: Tensor) -> list[str]:
    """What `pack_strings` was given; nothing comes back as one empty string."""
    return bytes(packed.tolist()).decode().split("\n")


def takes_nothing(name: str, argument: str | None) -> None:
    """Refuse what stands after the colon.

    Raises:
        InputError: something does.
    """
    if argument is not None:
        raise InputError(
            f"text encoder {name}:{argument}",
            "takes nothing after its name",
            reason="bad_encoder",
            allowed=name,
        )
