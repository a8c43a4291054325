"""The template of captions, and the way back.

    <Subject>[, [<figures>] [in [<tone>] <colours>] [on <background>]][, with the words "<words>"].

    A raccoon, one large centred figure in vivid brown and grey on a transparent background.
    A poster, one large centred figure in vivid red on a plain white background, with the words
    "SALE 50%".

What comes before the first comma is the short form. Words in double quotes are written in the
picture. `parse_caption` reads back everything that `compose_caption` says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NUMBERS = {
    "one": "one", "two": "two", "three": "three", "few": "a few", "many": "many",
}  # fmt: skip
"""`figure_count` → how a caption says it; that there is none is not said."""
NO_SUBJECT = "A graphic"
MOST_WORDS = 12
"""A longer text is a page: quoting it would drown the caption."""

_UNNAMED = {"grey": "grey tones", "muted": "colours", "vivid": "colours"}
_BEFORE = {"centred": "centred", "scattered": "scattered"}
_AFTER = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
    "grid": "in a grid",
    "full-bleed": "filling the picture",
}
"""Layouts that stand before the word figure, and those that stand after it."""
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
    """What a caption of the template says; None: it does not say."""

    subject: str
    """Without commas and double quotes; see `subject_of`."""
    figure_count: str | None = None
    """A value of the field but `none`."""
    figure_size: str | None = None
    """Only with a count."""
    layout: str | None = None
    saturation: str | None = None
    background: str | None = None
    colours: tuple[str, ...] = ()
    """Names of the figure's main colours, lower case; only with a saturation."""
    ground_colour: str | None = None
    """Name of a plain background's colour."""
    words: str = ""
    """What is written in the picture, on one line, without double quotes."""


def parts_of(subject: str, values: Mapping[str, Any]) -> CaptionParts:
    """The caption's parts from values of the fields; a field that is left out is not told.

    Args:
        subject: without commas and double quotes.
        values: field of the label schema → value.
    """
    count = values.get("figure_count")
    count = count if count in NUMBERS else None
    background, colour = values.get("background"), values.get("background_colour")
    has_colour = background == "plain" and colour not in ("several", "none")
    saturation = values.get("saturation")
    return CaptionParts(
        subject=subject,
        figure_count=count,
        figure_size=values.get("figure_size") if count else None,
        layout=values.get("layout"),
        saturation=saturation,
        background=background,
        colours=tuple(values.get("palette") or ()) if saturation else (),
        ground_colour=colour if has_colour else None,
        words=quotable(str(values.get("transcription") or "")),
    )


def compose_caption(parts: CaptionParts) -> str:
    """The caption of `parts`; reads like English."""
    told = [_figures(parts)]
    if parts.saturation:
        # a comma would end the clause
        colours = " and ".join(parts.colours) or _UNNAMED[parts.saturation]
        told.append(f"in {_TONES[parts.saturation]}{colours}")
    if parts.background == "plain" and parts.ground_colour:
        told.append(f"on a plain {parts.ground_colour} background")
    elif parts.background:
        told.append(f"on {_GROUNDS[parts.background]}")
    clauses = [parts.subject, " ".join(filter(None, told))]
    if parts.words:
        clauses.append(f'with the words "{parts.words}"')
    return ", ".join(filter(None, clauses)) + "."


def _figures(parts: CaptionParts) -> str:
    """Of how many figures, how large and where: `one large centred figure`."""
    before, after = _BEFORE.get(parts.layout or ""), _AFTER.get(parts.layout or "")
    if parts.figure_count is None:
        return before or after or ""
    figure = "figure" if parts.figure_count == "one" else "figures"
    size = _SIZES.get(parts.figure_size or "")
    words = [NUMBERS[parts.figure_count], size, before, figure, after]
    return " ".join(word for word in words if word)


def short_form(caption: str) -> str:
    """The subject alone: what comes before the first comma, without a full stop."""
    return caption.split(",", 1)[0].strip().rstrip(".")


def quotable(text: str) -> str:
    """A transcription as a caption quotes it: one line, no double quotes; empty when too long."""
    words = text.replace('"', "'").split()
    return " ".join(words) if len(words) <= MOST_WORDS else ""


def values_of(parts: CaptionParts) -> dict[str, Any]:
    """Field of the label schema → what a caption says of it; the way back of `parts_of`."""
    said = {
        "figure_count": parts.figure_count,
        "figure_size": parts.figure_size,
        "layout": parts.layout,
        "saturation": parts.saturation,
        "palette": list(parts.colours),
        "background": parts.background,
        "background_colour": parts.ground_colour,
        "transcription": parts.words,
    }
    return {name: value for name, value in said.items() if value}


def parse_caption(caption: str) -> CaptionParts | None:
    """The parts of a caption of the template; None when somebody wrote it freely."""
    whole = _WHOLE.fullmatch(caption)
    found = _DETAIL.fullmatch(whole["detail"] or "") if whole else None
    if whole is None or found is None:
        return None
    place = found["before"] or found["after"] or found["alone"]
    ground = found["ground"] or ""
    colour = re.fullmatch(r"a plain (.+) background", ground)
    named = colour[1] if colour else None
    return CaptionParts(
        subject=whole["subject"],
        figure_count=_key(NUMBERS, found["number"]),
        figure_size=_key(_SIZES, found["size"]),
        layout=_key(_BEFORE | _AFTER, place),
        saturation=_saturation(found["tone"], found["colours"]),
        background="plain" if named else _key(_GROUNDS, ground),
        colours=_split(found["colours"] or ""),
        ground_colour=named,
        words=whole["words"] or "",
    )


def _key(table: Mapping[str, str], words: str | None) -> str | None:
    return next((key for key, said in table.items() if said == words), None)


def _saturation(tone: str | None, colours: str | None) -> str | None:
    return None if colours is None else _key(_TONES, tone)


def _split(text: str) -> tuple[str, ...]:
    return () if not text or text in _UNNAMED.values() else tuple(text.split(" and "))


def _any(table: Mapping[str, str]) -> str:
    return "|".join(map(re.escape, table.values()))


_WHOLE = re.compile(
    r"(?P<subject>[^,\"]+)(?:, (?!with the words)(?P<detail>[^,\"]+))?"
    r"(?:, with the words \"(?P<words>[^\"]*)\")?\."
)
_DETAIL = re.compile(
    rf"(?:(?P<number>{_any(NUMBERS)}) (?:(?P<size>{_any(_SIZES)}) )?"
    rf"(?:(?P<before>{_any(_BEFORE)}) )?"
    rf"figures?(?: (?P<after>{_any(_AFTER)}))?|(?P<alone>{_any(_BEFORE | _AFTER)}))?"
    rf"(?:(?:^| )in (?P<tone>muted |vivid |)(?P<colours>[a-z ]+?))?"
    rf"(?:(?:^| )on (?P<ground>{_any(_GROUNDS)}|a plain [a-z ]+ background))?"
)
