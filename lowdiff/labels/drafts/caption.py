"""The template of captions, and the way back.

    <Subject>, <figures> in [<saturation>] <colours> on <background>[, with the words "<words>"].

    A raccoon, one large centred figure in vivid brown and grey on a transparent background.
    A poster, one large centred figure in vivid red on a plain white background, with the words
    "SALE 50%".

What comes before the first comma is the short form. Words in double quotes are written in the
picture. `parse_caption` reads back everything that `compose_caption` says.
"""

import re
from dataclasses import dataclass

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MANY = "many"
NO_SUBJECT = "A graphic"
MOST_WORDS = 12
"""A longer text is a page: quoting it would drown the caption."""

_UNNAMED = {"grey": "grey tones", "muted": "colours", "vivid": "colours"}
_PLACES = {
    "centred": "{size} centred {figure}",
    "left": "{size} {figure} on the left",
    "right": "{size} {figure} on the right",
    "top": "{size} {figure} at the top",
    "bottom": "{size} {figure} at the bottom",
    "grid": "{size} {figure} in a grid",
    "scattered": "{size} scattered {figure}",
    "full-bleed": "{size} {figure} filling the picture",
}
_SIZES = {"small": "small", "medium": "medium-sized", "large": "large", "full": "very large"}
_GROUNDS = {
    "plain": "a plain background",
    "gradient": "a gradient background",
    "pattern": "a patterned background",
    "photo": "a photographic background",
    "transparent": "a transparent background",
}
_TONES = {"grey": "", "muted": "muted ", "vivid": "vivid "}
"""Black, white and greys say themselves that they are grey."""


@dataclass(frozen=True)
class CaptionParts:
    """What a caption of the template says."""

    subject: str
    """Without commas and double quotes; see `subject_of`."""
    figures: int
    """1 or more; from 10 on the caption says "many"."""
    figure_size: str
    layout: str
    saturation: str
    background: str
    colours: tuple[str, ...] = ()
    """Names of the figure's main colours, lower case."""
    ground_colour: str | None = None
    """Name of a plain background's colour."""
    words: str = ""
    """What is written in the picture, on one line, without double quotes."""


def compose_caption(parts: CaptionParts) -> str:
    """The caption of `parts`; reads like English."""
    number = NUMBERS[parts.figures] if parts.figures < len(NUMBERS) else MANY
    figure = "figure" if parts.figures == 1 else "figures"
    place = _PLACES[parts.layout].format(size=_SIZES[parts.figure_size], figure=figure)
    ground = _GROUNDS[parts.background]
    if parts.background == "plain" and parts.ground_colour:
        ground = f"a plain {parts.ground_colour} background"
    colours = (
        " and ".join(parts.colours) or _UNNAMED[parts.saturation]
    )  # a comma would end the clause
    clauses = [
        parts.subject,
        f"{number} {place} in {_TONES[parts.saturation]}{colours} on {ground}",
    ]
    if parts.words:
        clauses.append(f'with the words "{parts.words}"')
    return ", ".join(clauses) + "."


def short_form(caption: str) -> str:
    """The subject alone: what comes before the first comma, without a full stop."""
    return caption.split(",", 1)[0].strip().rstrip(".")


def quotable(text: str) -> str:
    """A transcription as a caption quotes it: one line, no double quotes; empty when too long."""
    words = text.replace('"', "'").split()
    return " ".join(words) if len(words) <= MOST_WORDS else ""


def parse_caption(caption: str) -> CaptionParts | None:
    """The parts of a caption of the template; None when somebody wrote it freely."""
    found = _CAPTION.fullmatch(caption)
    if found is None:
        return None
    layout = next((name for name in _PLACES if found[_group(name)] is not None), "centred")
    size = found[_group(layout)]
    ground = found["ground"]
    colour = re.fullmatch(r"a plain (.+) background", ground)
    named = colour[1] if colour else None
    return CaptionParts(
        subject=found["subject"],
        figures=10 if found["number"] == MANY else NUMBERS.index(found["number"]),
        figure_size=next(key for key, words in _SIZES.items() if words == size),
        layout=layout,
        saturation=next(key for key, words in _TONES.items() if words == found["tone"]),
        background="plain" if named else _background_of(ground),
        colours=_split(found["colours"]),
        ground_colour=named,
        words=found["words"] or "",
    )


def _group(layout: str) -> str:
    return "size_" + layout.replace("-", "_")


def _background_of(ground: str) -> str:
    return next(key for key, words in _GROUNDS.items() if words == ground)


def _split(text: str) -> tuple[str, ...]:
    return () if text in _UNNAMED.values() else tuple(text.split(" and "))


def _pattern() -> re.Pattern[str]:
    sizes = "|".join(_SIZES.values())
    places = "|".join(
        words.format(size=f"(?P<{_group(name)}>{sizes})", figure="figures?")
        for name, words in _PLACES.items()
    )
    grounds = "|".join(_GROUNDS.values())
    return re.compile(
        rf"(?P<subject>[^,\"]+), (?P<number>{'|'.join((*NUMBERS, MANY))}) (?:{places})"
        rf" in (?P<tone>muted |vivid |)(?P<colours>[a-z ]+?)"
        rf" on (?P<ground>{grounds}|a plain [a-z ]+ background)"
        rf"(?:, with the words \"(?P<words>[^\"]*)\")?\."
    )


_CAPTION = _pattern()
