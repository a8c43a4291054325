"""What a form costs a person: the keystroke-level model of Card, Moran and Newell.

(The keystroke-level model for user performance time with interactive systems, CACM 23, 1980; The
psychology of human-computer interaction, 1983.) Its operators, in seconds:

- K 0.28: one key, by the average non-secretary typist of the book (40 words a minute); Shift, Alt
  and Ctrl are keys of their own.
- P 1.1: to point with the mouse; a click is two B of 0.1 (button down, button up).
- H 0.4: the hand goes from keyboard to mouse, or back.
- M 1.35: to think: once for every picture (what is this?), for every field that is shown (does it
  say what I see?), for every change (what should it be?), and for every stretch of an edited text.

The model was made for tasks without reading; to it is added 60/238 s for every word read (Brysbaert
2019, How many words do we read per minute?, JML 109: silent reading of English non-fiction). A
caption is read once; words in a picture are read twice, there and in the form. The picture is
looked at while its fields are judged: their M are its time.

No response times of the system (R), no breaks, no learning of the keys: they are known. What takes
long here takes long in all ways that are compared, so the ratios say more than the seconds.
"""

import difflib
from dataclasses import dataclass, fields

K, P, B, H, M = 0.28, 1.1, 0.1, 0.4, 1.35
READ = 60 / 238
"""Seconds for a word."""
NEAR = 8
"""Two changes in a text that are nearer are made as one: to point again takes as long."""


@dataclass(frozen=True)
class Effort:
    """Operators of the model; add them up with `+`."""

    keys: int = 0
    clicks: int = 0
    """Each with the pointing before it."""
    hands: int = 0
    thoughts: int = 0
    words: int = 0
    """Words read."""

    def __add__(self, other: "Effort") -> "Effort":
        sums = {
            one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)
        }
        return Effort(**sums)

    @property
    def seconds(self) -> float:
        """By the model."""
        pointed = self.clicks * (P + 2 * B)
        return self.keys * K + pointed + self.hands * H + self.thoughts * M + self.words * READ


PICTURE = Effort(thoughts=1)
"""A new picture: to see what it is."""
SUBMIT = Effort(keys=2)
"""Ctrl+Enter."""
GLANCE = Effort(thoughts=1)
"""To judge a choice that is shown, or to decide on one that is empty."""
DRAG = Effort(clicks=2, hands=2, thoughts=1)
"""To draw a rectangle: point, press, point, release; the hand goes there and back."""


def press(hotkey: str) -> Effort:
    """To press a key of the schema, such as `a` or `shift+k`."""
    return Effort(keys=hotkey.count("+") + 1)


def read(text: str, *, times: int = 1) -> Effort:
    """To judge a text that is shown."""
    return Effort(thoughts=1, words=times * len(text.split()))


def type_text(text: str) -> Effort:
    """To click into an empty field, type, and leave it with Shift+Enter."""
    return Effort(keys=len(text) + 2, clicks=1, hands=2, thoughts=1)


def change_text(old: str, new: str) -> Effort:
    """To make one text of another: stretch by stretch, or all anew, whichever is faster."""
    if not old:
        return type_text(new)
    anew = type_text(new) + Effort(keys=3)  # Ctrl+A, and one key that deletes
    edited = Effort(keys=2)
    for removed, added in stretches(old, new):
        by_key = Effort(keys=removed + added)
        by_mouse = Effort(keys=2 + added, clicks=1)  # Shift and a click select, one key deletes
        edited += Effort(clicks=1, hands=2, thoughts=1)
        edited += min(by_key, by_mouse, key=lambda one: one.seconds)
    return min(edited, anew, key=lambda one: one.seconds)


def stretches(old: str, new: str) -> list[tuple[int, int]]:
    """Characters to delete and to type, for every stretch that differs."""
    found: list[list[int]] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        if found and start - found[-1][1] < NEAR:
            found[-1][1], found[-1][3] = end, new_end
        else:
            found.append([start, end, new_start, new_end])
    return [(end - start, new_end - new_start) for start, end, new_start, new_end in found]
