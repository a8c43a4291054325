"""Captions letter by letter: nothing is known of words, and nothing of their spelling is lost.

Encoders of whole words cannot spell what they have never seen (Liu et al. 2022, arXiv:2212.10562).
These tokens only name the bytes; give the denoiser `text_layers`, so that it learns to read them.
"""

import unicodedata
from collections.abc import Sequence

import torch

from lowdiff.models.encoders.base import takes_nothing, unit_scale
from lowdiff.models.text import Text

HALF = 16


class Bytes:
    """One token per byte of the caption's UTF-8: two one-hot vectors of 16, its high and low half.

    That names every byte and takes an eighth of the memory of one vector of 256. The pooled vector
    says how often each half occurs.
    """

    name = "bytes"
    width = 2 * HALF
    max_tokens = 256

    def __init__(self, argument: str | None = None) -> None:
        takes_nothing("bytes", argument)

    def version(self) -> str:
        """Raised by a person when the tokens change."""
        return "1"

    def encode(self, texts: Sequence[str]) -> tuple[Text, list[bool]]:
        """See `TextEncoder.encode`; a character is never cut in the middle."""
        whole = [unicodedata.normalize("NFC", text.strip()).encode() for text in texts]
        rows = [_start(row, self.max_tokens) for row in whole]
        longest = max((len(row) for row in rows), default=0) or 1
        tokens = torch.zeros(len(rows), longest, self.width)
        mask = torch.zeros(len(rows), longest, dtype=torch.bool)
        for row, body in enumerate(rows):
            values, places = torch.tensor(list(body), dtype=torch.long), torch.arange(len(body))
            tokens[row, places, values // HALF] = 1
            tokens[row, places, HALF + values % HALF] = 1
            mask[row, : len(body)] = True
        cut = [len(kept) < len(row) for kept, row in zip(rows, whole, strict=True)]
        return Text(tokens, mask, unit_scale(tokens.sum(1))), cut


def _start(body: bytes, count: int) -> bytes:
    """At most `count` bytes, without the rest of a character that does not fit."""
    return body[:count].decode(errors="ignore").encode()
