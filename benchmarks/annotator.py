"""A scripted annotator: knows the truth, corrects what differs, confirms the rest, takes time.

It works on a form as `labeling/guide.md` tells people to: a caption that is right but clumsy stays,
a wrong subject or a wrong statement in it is corrected. With `slip` it errs: that share of the
fields that it sees ends up as something else, at no saving of time.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.keystrokes import (
    DRAG,
    GLANCE,
    PICTURE,
    SUBMIT,
    Effort,
    change_text,
    press,
    read,
    type_text,
)
from benchmarks.label_truth import Known, is_right, wrong_claims
from lowdiff.labels.drafts.caption import (
    compose_caption,
    parse_caption,
    parts_of,
    short_form,
    values_of,
)
from lowdiff.labels.schema import Field, Schema, applies
from lowdiff.labels.schema_screen import asked_together

READ_TWICE = ("transcription",)
"""Texts that are compared with the picture word by word."""
CHUNKS = (
    ("background", "background_colour"),
    ("figure_count", "figure_size", "layout"),
    ("saturation", "palette"),
    ("logo", "brand"),
)
"""Fields that make one statement together (a plain white ground; one large centred figure). The
model lets one M be enough for what is one unit of thought (its rule 2); the figures count an M for
every field, and tell beside them what one for each statement would make."""
BOX_KEYS = press("shift+l")


@dataclass(frozen=True)
class Answer:
    """What the annotator submits, and what that took."""

    values: dict[str, Any]
    """Of all fields that were shown."""
    effort: Effort
    by_field: dict[str, Effort]

    @property
    def chunks(self) -> int:
        """Statements among the fields that were shown."""
        return chunks_of(self.values)


class Annotator:
    """One person."""

    def __init__(self, schema: Schema, *, slip: float = 0.0, seed: int = 0) -> None:
        """Args: slip: share of the fields seen that are answered wrongly, in [0, 1]."""
        self._schema = schema
        self._slip = slip
        self._dice = random.Random(seed)

    def answer(self, ask: Sequence[str], draft: Mapping[str, Any], truth: Known) -> Answer:
        """A form that is filled in already.

        Args:
            ask: the open fields; the form shows those that belong to them, too.
            draft: field → what the form says, of all fields.
        """
        values: dict[str, Any] = {}
        spent: dict[str, Effort] = {}
        shown = asked_together(self._schema, ask)
        for field in self._schema.fields:
            if field.name not in shown or not applies(field, {**draft, **values}):
                continue
            value, effort = self._look(field, draft.get(field.name), truth)
            values[field.name], spent[field.name] = self._slipped(field, value), effort
        return Answer(values, sum(spent.values(), PICTURE + SUBMIT), spent)

    def from_nothing(self, truth: Known) -> Effort:
        """An empty form: everything is typed or pressed."""
        total = PICTURE + SUBMIT
        for field in self._schema.fields:
            if applies(field, truth.fields):
                total += self._fill(field, truth.fields[field.name])
        return total

    def mark_logos(self, truth: Known) -> Effort:
        """To draw the rectangles of its logos."""
        return sum((BOX_KEYS + DRAG for _ in truth.logos), Effort())

    def _look(self, field: Field, draft: Any, truth: Known) -> tuple[Any, Effort]:
        wanted = truth.fields[field.name]
        if field.kind == "text":
            seen = read(str(draft or ""), times=2 if field.name in READ_TWICE else 1)
            if is_right(self._schema, field.name, draft, truth):
                return draft or "", seen
            if field.name == "caption":
                wanted = corrected_caption(str(draft or ""), truth)
            return wanted, seen + change_text(str(draft or ""), str(wanted))
        if draft is None:
            return wanted, self._fill(field, wanted)
        if is_right(self._schema, field.name, draft, truth):
            return wanted, GLANCE
        if isinstance(wanted, list):
            toggled = set(wanted) ^ set(draft)
            keys = sum((press(_key(field, one)) for one in toggled), Effort(thoughts=1))
            return wanted, GLANCE + keys
        return wanted, GLANCE + Effort(thoughts=1) + press(_key(field, wanted))

    def _fill(self, field: Field, wanted: Any) -> Effort:
        if field.kind == "text":
            return type_text(str(wanted)) if wanted else GLANCE
        chosen = wanted if isinstance(wanted, list) else [wanted]
        return sum((press(_key(field, one)) for one in chosen), GLANCE)

    def _slipped(self, field: Field, value: Any) -> Any:
        if self._dice.random() >= self._slip:
            return value
        if field.kind == "text":
            return value[:-2] if len(value) > 2 else value
        if field.kind == "flags":
            one = self._dice.choice(field.values)
            return [other for other in value if other != one] + [one] * (one not in value)
        return self._dice.choice([other for other in field.values if other != value])


def chunks_of(names: Iterable[str]) -> int:
    """How many statements these fields make."""
    return len({next((one for one in CHUNKS if name in one), (name,)) for name in names})


def corrected_caption(draft: str, truth: Known) -> str:
    """The caption nearest to the draft that is right.

    A subject that is wrong is replaced; of the rest what is wrong. What cannot be told apart is
    typed anew.
    """
    parts = parse_caption(draft)
    if parts is None:
        return str(truth.fields["caption"])
    if short_form(draft).casefold() != short_form(truth.subject).casefold():
        parts = replace(parts, subject=short_form(truth.subject))
    right = {name: truth.fields[name] for name in wrong_claims(draft, truth)}
    return compose_caption(parts_of(parts.subject, values_of(parts) | right))


def _key(field: Field, value: str) -> str:
    return next(choice.hotkey for choice in field.choices if choice.value == value)
