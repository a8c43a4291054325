"""The text encoder of an exported run; diffusers loads it as any component.

This file is copied into the exported folder, with everything of ours that it imports.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file

from lowdiff.models.encoders import FittedEncoder, TextEncoder, find_encoder
from lowdiff.models.encoders.hub import HubEncoder
from lowdiff.models.encoders.joined import Joined
from lowdiff.models.text import Text

TEXT_FILE = "text.json"
STATE_FILE = "state.safetensors"


def parts_of(encoder: TextEncoder) -> list[TextEncoder]:
    """The encoders that this one joins, or itself."""
    return list(encoder.parts) if isinstance(encoder, Joined) else [encoder]


class LowdiffText:
    """Sentences in, tokens and one pooled vector out."""

    def __init__(self, encoder: TextEncoder) -> None:
        self.encoder = encoder

    @classmethod
    def from_pretrained(cls, folder: str, **_: object) -> "LowdiffText":
        """The encoder whose name and weights lie in a folder."""
        told = json.loads((Path(folder) / TEXT_FILE).read_text(encoding="utf-8"))
        encoder = find_encoder("+".join(part["name"] for part in told["parts"]))
        for part, said in zip(parts_of(encoder), told["parts"], strict=True):
            if isinstance(part, HubEncoder):
                part.folder = Path(folder) / said["folder"]
        state = Path(folder) / STATE_FILE
        if state.is_file() and isinstance(encoder, FittedEncoder):
            encoder.load(load_file(state))
        return cls(encoder)

    def encode(self, texts: Sequence[str]) -> Text:
        """Features of texts, on the CPU."""
        return self.encoder.encode(texts)[0]
