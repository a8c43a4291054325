"""The forms of a caption that training shows: whole, short, and with its clauses in another order.

Captions that vary keep a model from learning one picture per sentence by heart (Somepalli et al.
2023, arXiv:2305.20086).
"""

import random
import re
from typing import NamedTuple

from lowdiff.datasets.read import Version

SHUFFLES = 3
"""Other orders of each caption's clauses that are encoded, where a recipe asks for any."""

_CLAUSE = re.compile(r'(?:[^,"“”]|"[^"]*"|“[^”]*”|["“”])+')
"""Up to the next comma; a comma between quotation marks belongs to the words in the picture."""


class Captions(NamedTuple):
    """The forms of each image's caption.

    Attributes:
        full: the whole caption.
        short: its first clause, which is the subject.
        shuffled: lists like `full`, each with the clauses in another order; often none.
    """

    full: list[str]
    short: list[str]
    shuffled: list[list[str]]

    def forms(self) -> list[list[str]]:
        """Every form, each a list with one text per image: full, short, then the shuffled ones."""
        return [self.full, self.short, *self.shuffled]


def load_captions(version: Version, split: str, *, shuffles: int = 0) -> Captions:
    """The captions of a split in the order of its pixels; an image without one has "" there.

    Args:
        shuffles: how many other orders of the clauses to make.
    """
    full = [
        text if isinstance(text, str) else "" for text in version.read(split, ["caption"]).caption
    ]
    return Captions(
        full,
        [short_form(text) for text in full],
        [[shuffled_form(text, seed) for text in full] for seed in range(shuffles)],
    )


def clauses(caption: str) -> list[str]:
    """What stands between the commas, without a full stop at the end."""
    parts = (part.strip() for part in _CLAUSE.findall(caption))
    found = [part for part in parts if part]
    if found and found[-1].endswith("."):
        found[-1] = found[-1].rstrip(".")
    return found


def short_form(caption: str) -> str:
    """The subject of a caption: the part before the first comma, without a full stop."""
    found = clauses(caption)
    return found[0] if found else ""


def shuffled_form(caption: str, seed: int) -> str:
    """The same clauses in another order, always the same one for a seed.

    Only the first letter of the sentence changes its case; a caption of one clause stays as it is.
    """
    found = clauses(caption)
    if len(found) < 2:
        return caption
    first = found[0]
    if first[:1].isupper() and not first[1:2].isupper():
        found[0] = first[0].lower() + first[1:]
    random.Random(f"{seed}:{caption}").shuffle(found)
    text = ", ".join(found)
    return text[0].upper() + text[1:] + ("." if caption.rstrip().endswith(".") else "")
