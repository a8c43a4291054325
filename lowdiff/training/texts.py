"""Captions through the text encoder once, kept for every later step."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from lowdiff.models.encoders import find_encoder
from lowdiff.models.text import Text
from lowdiff.training.cache import cached


@dataclass(frozen=True)
class TextTable:
    """Every distinct text once, encoded.

    Attributes:
        features: one row per text.
        position: text to row.
        cut: how many texts were longer than the encoder reads.
    """

    features: Text
    position: dict[str, int]
    cut: int

    def index(self, texts: Sequence[str]) -> Int[Tensor, " n"]:
        """The rows of texts; "" is always there and means no caption."""
        return torch.tensor([self.position[text] for text in texts], dtype=torch.long)

    def rows(self, index: Int[Tensor, " b"]) -> Text:
        """The features of some rows, on a CPU cut to the longest of them."""
        tokens, mask, pooled = self.features
        mask = mask[index]
        # on a GPU the length would have to be waited for: padding is cheaper there
        longest = int(mask.sum(1).max()) if mask.device.type == "cpu" else mask.shape[1]
        longest = max(longest, 1)
        return Text(tokens[index, :longest].float(), mask[:, :longest], pooled[index].float())


def encode_texts(
    texts: Sequence[str], encoder: str, *, cache: Path, device: torch.device
) -> TextTable:
    """Encode every distinct text once; kept in half precision.

    Args:
        encoder: a name in `models.encoders.ENCODERS`; its weights load only when something is new.
        cache: the workspace's cache folder.

    Raises:
        ContractError: there is no such encoder.
    """
    distinct = sorted(set(texts) | {""})
    kind = find_encoder(encoder)

    def make() -> dict[str, Tensor]:
        (tokens, mask, pooled), cut = kind().encode(distinct)
        return {
            "tokens": tokens.half(),
            "mask": mask,
            "pooled": pooled.half(),
            "cut": torch.tensor(cut),
        }

    kept = cached(cache / "texts", [encoder, kind.version(), *distinct], make)
    features = Text(kept["tokens"], kept["mask"], kept["pooled"]).to(device)
    return TextTable(features, {text: i for i, text in enumerate(distinct)}, int(kept["cut"]))
