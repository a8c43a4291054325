"""Captions through the text encoder once, kept for every later step and every later run.

Features are kept per caption and version of the encoder: when some captions of a dataset change,
only those are encoded again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lowdiff.models.encoders import FittedEncoder, TextEncoder, find_encoder
from lowdiff.models.text import Text
from lowdiff.training.checkpoint import save_tensors

CHUNK = 256
KEY_BYTES = 16


@dataclass(frozen=True)
class TextTable:
    """Every distinct text once, encoded.

    Attributes:
        tokens: of all texts, one after the other, without padding.
        starts: where each text's tokens begin.
        lengths: how many each text has.
        pooled: one vector per text.
        position: text to row.
        cut: how many texts were longer than the encoder reads.
    """

    tokens: Float[Tensor, "total d"]
    starts: Int[Tensor, " n"]
    lengths: Int[Tensor, " n"]
    pooled: Float[Tensor, "n d"]
    position: dict[str, int]
    longest: int
    cut: int

    def index(self, texts: Sequence[str]) -> Int[Tensor, " n"]:
        """The rows of texts; "" is always there and means no caption."""
        return torch.tensor([self.position[text] for text in texts], dtype=torch.long)

    def rows(self, index: Int[Tensor, " b"]) -> Text:
        """The features of some rows, on a CPU cut to the longest of them."""
        lengths = self.lengths[index]
        # on a GPU the length would have to be waited for: padding is cheaper there
        longest = int(lengths.max()) if lengths.device.type == "cpu" else self.longest
        places = torch.arange(max(longest, 1), device=lengths.device)
        mask = places < lengths[:, None]
        where = (self.starts[index, None] + places).clamp_max(len(self.tokens) - 1)
        tokens = self.tokens[where].float() * mask[..., None]
        return Text(tokens, mask, self.pooled[index].float())


def encode_texts(
    texts: Sequence[str], encoder: TextEncoder | str, *, cache: Path, device: torch.device
) -> TextTable:
    """Encode every distinct text once; kept in half precision.

    Args:
        encoder: one that has learned what it needs, or a name for `find_encoder`; its weights load
            only when something is new.
        cache: the workspace's cache folder.

    Raises:
        InputError: there is no such encoder.
        ServiceError: its weights cannot be fetched, or the cache cannot be written.
    """
    distinct = sorted(set(texts) | {""})
    known = find_encoder(encoder) if isinstance(encoder, str) else encoder
    # the version tells weights apart, whatever path they were loaded from
    kinds = "+".join(part.partition(":")[0] for part in known.name.split("+"))
    folder = cache / "texts" / sha256(f"{kinds} {known.version()}".encode()).hexdigest()
    shelf = _Shelf(folder)
    missing = [text for text in distinct if _key(text) not in shelf.found]
    if missing:
        shelf.add(missing, _encode(known, missing))
    return shelf.table(distinct, device)


def ready_encoder(name: str, captions: Sequence[str]) -> TextEncoder:
    """The text encoder of this name; it has learned from the captions where it learns at all.

    Raises:
        InputError: there is no such encoder, or the captions do not suit it.
    """
    encoder = find_encoder(name)
    if isinstance(encoder, FittedEncoder):
        encoder.fit(captions)
    return encoder


class _Shelf:
    """The features of one version of an encoder; every file holds the texts that were new once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: list[dict[str, Tensor]] = []
        self.found: dict[bytes, tuple[int, int]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            try:
                self._take(load_file(path))
            except (SafetensorError, FileNotFoundError):
                path.unlink(missing_ok=True)  # cut short: what was in it is encoded again

    def add(self, texts: Sequence[str], part: dict[str, Tensor]) -> None:
        """Keep the features of new texts."""
        keys = [_key(text) for text in texts]
        part["keys"] = torch.tensor([list(key) for key in keys], dtype=torch.uint8)
        name = sha256(b"".join(keys)).hexdigest()[: 2 * KEY_BYTES]
        save_tensors(part, self.folder / f"{name}.safetensors")
        self._take(part)

    def table(self, texts: Sequence[str], device: torch.device) -> TextTable:
        """The features of texts that are all here."""
        places = [self.found[_key(text)] for text in texts]
        tokens, lengths, pooled, cut = [], [], [], 0
        starts = [part["lengths"].cumsum(0) - part["lengths"] for part in self.parts]
        for number, row in places:
            part = self.parts[number]
            start, count = int(starts[number][row]), int(part["lengths"][row])
            tokens.append(part["tokens"][start : start + count])
            lengths.append(count)
            pooled.append(part["pooled"][row])
            cut += int(part["cut"][row])
        width = self.parts[0]["tokens"].shape[1]
        every = torch.tensor(lengths)
        return TextTable(
            # one token of nothing, so that there is always something to point at
            tokens=torch.cat([*tokens, torch.zeros(1, width).half()]).to(device),
            starts=(every.cumsum(0) - every).to(device),
            lengths=every.to(device),
            pooled=torch.stack(pooled).to(device),
            position={text: row for row, text in enumerate(texts)},
            longest=max(lengths),
            cut=cut,
        )

    def _take(self, part: dict[str, Tensor]) -> None:
        for row, key in enumerate(part["keys"].tolist()):
            self.found[bytes(key)] = (len(self.parts), row)
        self.parts.append(part)


def _encode(encoder: TextEncoder, texts: Sequence[str]) -> dict[str, Tensor]:
    """Features of texts without their padding; a part at a time, because padding is large."""
    tokens, lengths, pooled, cut = [], [], [], list[bool]()
    for start in range(0, len(texts), CHUNK):
        features, marks = encoder.encode(texts[start : start + CHUNK])
        tokens.append(features.tokens[features.mask].half())
        lengths.append(features.mask.sum(1))
        pooled.append(features.pooled.half())
        cut += marks
    return {
        "tokens": torch.cat(tokens),
        "lengths": torch.cat(lengths),
        "pooled": torch.cat(pooled),
        "cut": torch.tensor(cut),
    }


def _key(text: str) -> bytes:
    return sha256(text.encode()).digest()[:KEY_BYTES]
