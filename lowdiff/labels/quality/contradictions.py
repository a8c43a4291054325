"""Labels that contradict what was measured, or each other. No I/O.

Only what cannot be otherwise is told: a rule that is wrong now and then would teach people to
overlook all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What is known of an image without a person."""

    has_alpha: bool
    """Whether some pixel is not opaque."""
    sure_words: int = 0
    """Words that OCR has read surely."""


@dataclass(frozen=True)
class _Rule:
    """`fields` contradict what is known where `holds` says so."""

    fields: tuple[str, ...]
    """All of them have been said; the first is the one to look at."""
    holds: Callable[[Values, Facts], bool]
    why: str


MANY_WORDS = 3
"""Surely read words from which on an image has text."""
COLOURS = frozenset(("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"))

RULES = (
    _Rule(
        ("background",),
        lambda said, facts: said["background"] == "transparent" and not facts.has_alpha,
        "the background is called transparent, but every pixel is opaque",
    ),
    _Rule(
        ("background_colour", "background"),
        lambda said, _: said["background"] == "transparent" and said["background_colour"] != "none",
        "a transparent background has no colour",
    ),
    _Rule(
        ("background_colour", "background"),
        lambda said, _: said["background"] != "transparent" and said["background_colour"] == "none",
        "only a transparent background has no colour",
    ),
    _Rule(
        ("layout", "figure_count"),
        lambda said, _: (
            said["layout"] in ("grid", "scattered") and said["figure_count"] in ("none", "one")
        ),
        "a grid or scattered figures need several figures",
    ),
    _Rule(
        ("saturation", "palette"),
        lambda said, _: said["saturation"] == "grey" and bool(COLOURS & set(said["palette"])),
        "it is called black, white and grey, but its palette has colours",
    ),
    _Rule(
        ("transcription",),
        lambda said, facts: (
            not (said["transcription"] or "").strip() and facts.sure_words >= MANY_WORDS
        ),
        "no text is written down, but words were read surely",
    ),
    _Rule(
        ("style", "transcription"),
        lambda said, _: said["style"] == "lettering" and not (said["transcription"] or "").strip(),
        "letters are the picture, but no text is written down",
    ),
    _Rule(
        ("logo", "boxes"),
        lambda said, _: (
            said["logo"] == "none" and any(box["label"] == "Logo" for box in said["boxes"])
        ),
        "no logo is there, but a box marks one",
    ),
)


def contradictions(said: Values, facts: Facts) -> dict[str, list[str]]:
    """Field → why it cannot be right, or one of the fields named in the sentence.

    Args:
        said: field → value, of labels that people have said.
    """
    found: dict[str, list[str]] = {}
    for rule in RULES:
        if all(name in said for name in rule.fields) and rule.holds(said, facts):
            found.setdefault(rule.fields[0], []).append(rule.why)
    return found
