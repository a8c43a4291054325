"""Two readings of one image become one, word by word.

Words that lie at the same place form a group. Where both engines say the same, both are right
more often than either alone; where they differ, the calibrated odds decide (`calibrate.py`).
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lowdiff.ocr.engine import Box, RawWord

State = Literal["agree", "conflict", "alone", "only"]
"""`alone`: the other engine saw nothing there; `only`: there is no other engine."""
MIN_OVERLAP = 0.35
"""Two boxes show the same word when they share so much of the smaller one."""
NO_GAP_AFTER = re.compile(r"[./:@_-]$")
"""After these, Tesseract sees spaces that are not there (`www. example. org`)."""


@dataclass(frozen=True)
class Evidence:
    """What is known about one side of a group; the calibration turns it into odds."""

    state: State
    engine: str
    """Whose text it is; the better-trusted engine's where both agree."""
    text: str
    mine: float
    """The engine's confidence in it: its least sure word."""
    theirs: float
    """The other engine's confidence in what it says there; 0 where it says nothing. Of an `only`
    engine: its confidence in the same text in another cut of that place."""
    likeness: float
    """How alike both texts are, in [0, 1]: two like readings are hardly of a drawing. Of an `only`
    engine: its mean confidence in the line."""
    company: float
    """Share of the letters of the whole image on which both engines agree. Of an `only` engine: 1
    for a line of the image as it is, 0 for one that was cut out."""


Odds = Callable[[Evidence], float]
"""How probable it is that a text is right, in [0, 1]."""


@dataclass(frozen=True)
class Group:
    """Words at one place, in each engine's order."""

    lead: tuple[RawWord, ...]
    other: tuple[RawWord, ...]


@dataclass(frozen=True)
class Choice:
    """The words that were kept of a group."""

    words: tuple[RawWord, ...]
    any_right: float
    """How probable it is that one of the sides is right, so that there is writing at all."""


def group_words(lead: Sequence[RawWord], other: Sequence[RawWord]) -> list[Group]:
    """Group words of two readings by place, in the order of `lead`; what it lacks comes last."""
    owner = list(range(len(lead) + len(other)))

    def root(number: int) -> int:
        while owner[number] != number:
            number = owner[number]
        return number

    for mine, theirs in _same_place(lead, other):
        low, high = sorted((root(mine), root(theirs + len(lead))))
        owner[high] = low
    members: dict[int, list[int]] = {}
    for number in range(len(owner)):
        members.setdefault(root(number), []).append(number)
    return [
        Group(
            lead=tuple(lead[n] for n in numbers if n < len(lead)),
            other=tuple(other[n - len(lead)] for n in numbers if n >= len(lead)),
        )
        for _, numbers in sorted(members.items())
    ]


def agreement(groups: Sequence[Group]) -> float:
    """Share of the letters, of both readings together, on which both say the same; 0 for none."""
    same = total = 0
    for group in groups:
        length = len(joined(group.lead)) + len(joined(group.other))
        total += length
        same += length * (squeezed(group.lead) == squeezed(group.other))
    return same / total if total else 0.0


def choose_words(group: Group, *, company: float, odds: Odds) -> Choice:
    """Decide one group; the words carry the calibrated confidence."""
    sides = [words for words in (group.lead, group.other) if words]
    if len(sides) == 2 and squeezed(sides[0]) == squeezed(sides[1]):
        words = _right_spaces(*sides)
        evidence = _evidence("agree", words, sides[1] if words is sides[0] else sides[0], company)
        names = "+".join(sorted({word.engine for side in sides for word in side}))
        probability = odds(evidence)
        turn = max((word.rotation for side in sides for word in side), key=abs)
        same = tuple(replace(word, engine=names, rotation=turn) for word in words)
        return Choice(_judged(same, probability), probability)
    judged = [(odds(evidence), words) for words, evidence in evidence_of(group, company=company)]
    best, words = max(judged, key=lambda one: one[0])
    return Choice(_judged(words, best), min(1.0, sum(probability for probability, _ in judged)))


def judge_alone(words: Sequence[RawWord], odds: Odds) -> list[RawWord]:
    """The words of a single engine with their calibrated confidence."""
    judged = []
    for word in words:
        evidence = _evidence("only", [word], (), 0.0)
        judged.append(replace(word, confidence=odds(evidence)))
    return judged


def evidence_of(group: Group, *, company: float) -> list[tuple[tuple[RawWord, ...], Evidence]]:
    """Every side of a group with its evidence: what the calibration is fitted on."""
    if group.lead and group.other and squeezed(group.lead) == squeezed(group.other):
        words = _right_spaces(group.lead, group.other)
        rest = group.other if words is group.lead else group.lead
        return [(words, _evidence("agree", words, rest, company))]
    state: State = "conflict" if group.lead and group.other else "alone"
    pairs = ((group.lead, group.other), (group.other, group.lead))
    return [(a, _evidence(state, a, b, company)) for a, b in pairs if a]


def squeezed(words: Sequence[RawWord]) -> str:
    """The text without spaces and in one form: what is compared."""
    return unicodedata.normalize("NFKC", "".join(word.text for word in words)).translate(_FOLDED)


def joined(words: Sequence[RawWord]) -> str:
    """The words with single spaces between them."""
    return " ".join(word.text for word in words)


def overlaps(ones: Sequence[Box], twos: Sequence[Box]) -> NDArray[np.float64]:
    """Shared area of each box with each other one, as a share of the smaller of the two."""
    one, two = (np.asarray(boxes, dtype=float).reshape(-1, 4) for boxes in (ones, twos))
    low = np.maximum(one[:, None, :2], two[None, :, :2])
    high = np.minimum((one[:, :2] + one[:, 2:])[:, None], (two[:, :2] + two[:, 2:])[None])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    smaller = np.minimum(np.prod(one[:, 2:], axis=1)[:, None], np.prod(two[:, 2:], axis=1)[None])
    share: NDArray[np.float64] = shared / np.maximum(smaller, 1.0)
    return share


def _same_place(lead: Sequence[RawWord], other: Sequence[RawWord]) -> list[tuple[int, int]]:
    shares = overlaps([word.box for word in lead], [word.box for word in other])
    return [(int(mine), int(theirs)) for mine, theirs in np.argwhere(shares >= MIN_OVERLAP)]


def _right_spaces(one: tuple[RawWord, ...], two: tuple[RawWord, ...]) -> tuple[RawWord, ...]:
    """Of two equal texts the one whose spaces are more credible.

    PP-OCR drops spaces and Tesseract invents some after points: more words are better, unless a
    word ends where no space belongs.
    """
    if len(one) == len(two):  # the same words: Tesseract's boxes are the tighter ones
        return two if two[0].engine == "tesseract" else one
    more, less = (one, two) if len(one) > len(two) else (two, one)
    if any(NO_GAP_AFTER.search(word.text) for word in more[:-1]):
        return less
    return more


def _evidence(
    state: State, mine: Sequence[RawWord], theirs: Sequence[RawWord], company: float
) -> Evidence:
    return Evidence(
        state=state,
        engine=mine[0].engine,
        text=joined(mine),
        mine=min(word.confidence for word in mine),
        theirs=min((word.confidence for word in theirs), default=0.0),
        likeness=_likeness(squeezed(mine), squeezed(theirs)),
        company=company,
    )


def _likeness(one: str, two: str) -> float:
    return SequenceMatcher(None, one.casefold(), two.casefold(), autojunk=False).ratio()


def _judged(words: Sequence[RawWord], probability: float) -> tuple[RawWord, ...]:
    return tuple(replace(word, confidence=probability) for word in words)


_FOLDED = str.maketrans(
    dict.fromkeys("‘’‚‛′`´", "'") | dict.fromkeys("“”„‟″«»", '"') | dict.fromkeys("‐‑‒–—―−", "-")
)
