"""Contexts that are no sentences: a class, or nothing at all.

A class-conditional model and an unconditional one are text-to-image models with another encoder:
the denoiser's own layers embed the class, and without a caption they have a learned stand-in.
"""

from collections.abc import Sequence

import torch
from blake3 import blake3
from torch import Tensor

from lowdiff.errors import ContractError, InputError
from lowdiff.models.encoders.base import (
    one_token,
    pack_strings,
    takes_nothing,
    unit_scale,
    unpack_strings,
)
from lowdiff.models.text import Text

MAX_CLASSES = 4096


class Classes:
    """The subject of a caption (what stands before the first comma) as one of known classes.

    One token, a one-hot vector. A subject that no training caption had is no caption.
    """

    name = "class"
    max_tokens = 1_000_000

    def __init__(self, argument: str | None = None) -> None:
        takes_nothing("class", argument)
        self.classes: list[str] = []

    @property
    def width(self) -> int:
        """The number of classes; known after `fit`."""
        return len(self._known())

    def version(self) -> str:
        """A digest of the classes."""
        return f"{blake3(chr(10).join(self._known()).encode()).hexdigest()[:16]}/1"

    def fit(self, texts: Sequence[str]) -> None:
        """See `FittedEncoder.fit`.

        Raises:
            InputError: the captions name no class, or far too many.
        """
        self.classes = sorted({subject(text) for text in texts} - {""})
        if not 1 <= len(self.classes) <= MAX_CLASSES:
            raise InputError(
                "text encoder class", "cannot tell classes from these captions",
                reason="bad_classes", found=f"{len(self.classes):,} subjects",
                allowed=f"1 to {MAX_CLASSES:,}",
                do="Captions must begin with the class, or use a text encoder such as minilm.",
            )  # fmt: skip

    def state(self) -> dict[str, Tensor]:
        """See `FittedEncoder.state`."""
        return {"classes": pack_strings(self._known())}

    def load(self, state: dict[str, Tensor]) -> None:
        """See `FittedEncoder.load`."""
        if "classes" not in state:
            raise ContractError(
                "text encoder class", "what the run kept belongs to another encoder",
                reason="other_encoder", found=", ".join(sorted(state)),
            )  # fmt: skip
        self.classes = unpack_strings(state["classes"])

    def encode(self, texts: Sequence[str]) -> tuple[Text, list[bool]]:
        """See `TextEncoder.encode`."""
        index = {name: row for row, name in enumerate(self._known())}
        features = torch.zeros(len(texts), self.width)
        for row, text in enumerate(texts):
            found = index.get(subject(text))
            if found is not None:
                features[row, found] = 1
        return one_token(unit_scale(features)), [False] * len(texts)

    def _known(self) -> list[str]:
        if not self.classes:
            raise ContractError(
                "text encoder class", "has learned no classes yet", reason="encoder_not_fitted",
                do="Use the state that its run kept, or train a run with it.",
            )  # fmt: skip
        return self.classes


class Nothing:
    """No context at all: the unconditional model."""

    name = "none"
    width = 1
    max_tokens = 1_000_000

    def __init__(self, argument: str | None = None) -> None:
        takes_nothing("none", argument)

    def version(self) -> str:
        """Never changes."""
        return "1"

    def encode(self, texts: Sequence[str]) -> tuple[Text, list[bool]]:
        """See `TextEncoder.encode`."""
        return one_token(torch.zeros(len(texts), 1)), [False] * len(texts)


def subject(caption: str) -> str:
    """What a caption is of: the part before the first comma, in lower case, on one line."""
    first = caption.split(",", 1)[0].strip().rstrip(".")
    return " ".join(first.lower().split())
