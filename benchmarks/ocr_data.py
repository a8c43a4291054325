"""The pictures of `benchmarks/ocr.py`, their true texts, and how texts are compared."""

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import Levenshtein

FOLDED = str.maketrans(
    dict.fromkeys("‘’‚‛′`´", "'") | dict.fromkeys("“”„‟″«»", '"') | dict.fromkeys("‐‑‒–—―−", "-")
)
KINDS = {
    "logo wordmark": "word marks",
    "logo without text": "word marks",
    "hex sticker": "stickers",
    "hand-lettered illustration": "hand-lettered",
    "photo or poster with text": "photos, posters",
    "poster": "photos, posters",
    "meme": "photos, posters",
    "number crop, bilevel": "number crops",
}
LOWER_CASE = ("word marks", "stickers")
"""A logo's case is a matter of taste."""


@dataclass(frozen=True)
class Row:
    """One picture and what is written in it."""

    file: str
    path: Path
    kind: str
    truth: str
    strict: bool
    """False: only some of the words are known, so that nothing but recall can be told."""
    whole: bool
    """All text of the picture is in `truth`, so that a word that is not there is wrong."""

    @property
    def half(self) -> str:
        """`tuning` or `held-out`, by a hash of the name: no person chose."""
        even = hashlib.sha256(self.file.encode()).digest()[0] % 2 == 0
        return "tuning" if even else "held-out"


@dataclass(frozen=True)
class Score:
    """Errors of one text, or of many when added up with `+`."""

    images: int = 0
    edits: int = 0
    length: int = 0
    word_edits: int = 0
    hits: int = 0
    read: int = 0
    true: int = 0
    cpu_s: float = 0.0
    cer_sum: float = 0.0
    """Sum of the pictures' own rates, each at most 1."""

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))

    @property
    def cer(self) -> float:
        """Character error rate, pooled: edits of all by characters of all."""
        return self.edits / max(1, self.length)

    @property
    def mean_cer(self) -> float:
        """Mean of the pictures' own rates: a logo counts as much as a page."""
        return self.cer_sum / max(1, self.images)

    @property
    def wer(self) -> float:
        """Word error rate, pooled."""
        return self.word_edits / max(1, self.true)

    @property
    def precision(self) -> float:
        """Share of the words read that are in the truth."""
        return self.hits / max(1, self.read)

    @property
    def recall(self) -> float:
        """Share of the true words that were read."""
        return self.hits / max(1, self.true)


def rows_of(folder: Path) -> Iterator[Row]:
    """The pictures of `manifest.jsonl` in `folder`, whose files lie beside that folder."""
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        yield Row(
            file=record["file"],
            path=folder.parent / record["file"],
            kind=KINDS.get(record["kind"], "screenshots, pages"),
            truth=record["transcription"],
            strict=record["strict"],
            whole=record["scope"] == "full",
        )


def folded(text: str, kind: str) -> str:
    """NFKC, plain quotes and dashes, single spaces; lower case for logos."""
    plain = unicodedata.normalize("NFKC", text.translate(FOLDED)).translate(FOLDED)
    one_line = " ".join(plain.split())
    return one_line.lower() if kind in LOWER_CASE else one_line


def score(row: Row, text: str, cpu_s: float = 0.0) -> Score:
    """Compare one text with the truth; the order of words counts for the edits only."""
    mine, truth = folded(text, row.kind), folded(row.truth, row.kind)
    read, true = Counter(mine.split()), Counter(truth.split())
    edits = Levenshtein.distance(mine, truth)
    return Score(
        images=1,
        edits=edits,
        length=len(truth),
        word_edits=Levenshtein.distance(mine.split(), truth.split()),
        hits=(read & true).total(),
        read=read.total(),
        true=true.total(),
        cpu_s=cpu_s,
        cer_sum=min(1.0, edits / max(1, len(truth))),
    )
