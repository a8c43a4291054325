"""Text encoders: sentences in, tokens and one pooled vector out. Find one by name."""

from collections.abc import Callable

from lowdiff.errors import InputError
from lowdiff.models.encoders.base import FittedEncoder, TextEncoder
from lowdiff.models.encoders.classes import Classes, Nothing
from lowdiff.models.encoders.hub import bert, clip, minilm, roberta
from lowdiff.models.encoders.joined import Joined
from lowdiff.models.encoders.spelling import Bytes
from lowdiff.models.encoders.tfidf import TfIdf

ENCODERS: dict[str, Callable[[str | None], TextEncoder]] = {
    "minilm": minilm,
    "clip": clip,
    "bert": bert,
    "roberta": roberta,
    "tfidf": TfIdf,
    "bytes": Bytes,
    "class": Classes,
    "none": Nothing,
}
"""Every text encoder by its name; each takes what stands after the colon, if anything does."""


def find_encoder(name: str) -> TextEncoder:
    """The text encoder of this name; its weights load when the first text is encoded.

    Args:
        name: one of `ENCODERS`, with a folder, a model of the hub or a number after a colon where
            it takes one (`clip:PATH`, `tfidf:64`); several joined by `+`.

    Raises:
        InputError: there is no such encoder, or what stands after the colon is of no use to it.
    """
    parts = [_open(part) for part in name.split("+")]
    return parts[0] if len(parts) == 1 else Joined(parts)


def _open(name: str) -> TextEncoder:
    kind, _, argument = name.partition(":")
    if kind not in ENCODERS:
        raise InputError(
            f"text encoder {name}",
            "is not known",
            reason="unknown_encoder",
            allowed=", ".join(sorted(ENCODERS)) + ", or several joined by +",
        )
    return ENCODERS[kind](argument or None)


__all__ = ["ENCODERS", "FittedEncoder", "TextEncoder", "find_encoder"]
