"""Real pairs with a label, and the half of their groups that may be learned from."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lowdiff.ingest.decode import decode, sniff_format

NEAR = ("duplicate", "geometric", "crop")
"""A turned or mirrored copy is still the same picture, and so is another crop of one artwork."""


@dataclass(frozen=True)
class RealPair:
    """Two files and what people say about them."""

    a: Path
    b: Path
    label: str
    half: str
    """`fit` or `report`: all pairs of files that hang together lie in one half."""


def read_image(path: Path) -> Image.Image:
    """Decode as ingest does."""
    body = path.read_bytes()
    return decode(body, sniff_format(body, item=str(path)), item=str(path))


def real_pairs(path: Path) -> list[RealPair]:
    """The pairs of a `pairs.csv` (file_a, file_b, label); one across halves is not learned from."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["label"] != "borderline"]
    groups: dict[str, str] = {}

    def root(name: str) -> str:
        while groups.setdefault(name, name) != name:
            name = groups[name]
        return name

    for row in rows:
        if row["label"] != "distinct":  # those tie nothing together
            one, other = sorted((root(row["file_a"]), root(row["file_b"])))
            groups[other] = one
    pairs = []
    for row in rows:
        halves = {_half(root(row[key])) for key in ("file_a", "file_b")}
        half = halves.pop() if len(halves) == 1 else "report"
        base = path.parent.parent
        pairs.append(RealPair(base / row["file_a"], base / row["file_b"], row["label"], half))
    return pairs


def _half(group: str) -> str:
    return ("fit", "report")[hashlib.sha256(group.encode()).digest()[0] % 2]
