"""The label schema: read from `labeling/schema.toml`, checked, and asked whether a value fits."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from lowdiff.errors import ContractError, InputError
from lowdiff.labels.schema_check import check_schema

CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""All but tab and line feed."""
SCHEMA_FILE = Path("labeling") / "schema.toml"


@dataclass(frozen=True)
class Choice:
    """One allowed value of a field."""

    value: str
    definition: str
    example: str
    """What a person would give this value to, in a few words."""
    hotkey: str


@dataclass(frozen=True)
class Condition:
    """The value of another field on which a field depends."""

    field: str
    value: str


@dataclass(frozen=True)
class Field:
    """One thing that we want to know of every image."""

    name: str
    kind: str
    """`choice` (exactly one value), `text` or `flags` (any number of values)."""
    title: str
    meaning: str
    drafted_by: str
    measured_by: str
    """How the error of its drafts is known."""
    answer: str
    """Where a draft comes from: `measured`, `read`, `learned`, `source` or `person`."""
    choices: tuple[Choice, ...] = ()
    """Empty for a text."""
    required: bool = False
    """True when an annotator cannot leave it empty."""
    free: bool = False
    """True when a machine's word never counts without a person, unless it is the source's own."""
    only_if: Condition | None = None
    """It applies only to images of which another field says this."""
    rows: int = 1
    """Height of a text's input on the screen."""

    @property
    def values(self) -> tuple[str, ...]:
        """The allowed values, in order; empty for a text."""
        return tuple(choice.value for choice in self.choices)


@dataclass(frozen=True)
class BoxLabel:
    """What a rectangle may mark."""

    value: str
    definition: str
    example: str
    hotkey: str
    colour: str
    """`#rrggbb`."""
    has_text: bool = False
    """True when the words inside belong to the rectangle; it is then on the screen `text`."""


@dataclass(frozen=True)
class Boxes:
    """The rectangles of an image; together they are one label, beside the fields."""

    name: str
    title: str
    meaning: str
    drafted_by: str
    labels: tuple[BoxLabel, ...]

    def label(self, value: str) -> BoxLabel | None:
        """The label of that name, if it exists."""
        return next((label for label in self.labels if label.value == value), None)


@dataclass(frozen=True)
class Schema:
    """The whole form that a person confirms."""

    version: str
    """`<major>.<minor>`; a new major means that old labels do not mean the same any more."""
    fields: tuple[Field, ...]
    boxes: Boxes

    @property
    def major(self) -> str:
        """The first number of the version."""
        return self.version.split(".")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, in order."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            ContractError: the schema has no such field.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise ContractError(
            f"label schema {self.version}",
            "has no such field",
            reason="unknown_field",
            found=repr(name),
            allowed=", ".join(self.names),
        )


def load_schema(path: Path | None = None) -> Schema:
    """Read the label schema.

    Args:
        path: a TOML file; by default `labeling/schema.toml` of the checkout in the working
            directory, else the copy inside the installed package.

    Raises:
        InputError: the file is missing, is no TOML, or breaks a rule; the message names it.
    """
    name, text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(name, f"is no valid TOML: {error}", reason="bad_toml") from error
    check_schema(raw, item=name)
    boxes = dict(raw["boxes"])
    labels = tuple(BoxLabel(**label) for label in boxes.pop("label"))
    return Schema(
        version=raw["version"],
        fields=tuple(_field(entry) for entry in raw["field"]),
        boxes=Boxes(**boxes, labels=labels),
    )


def applies(field: Field, values: Mapping[str, Any]) -> bool:
    """Whether a field says anything of an image whose other fields have these values.

    A field whose condition nobody has answered yet does not apply.
    """
    return field.only_if is None or values.get(field.only_if.field) == field.only_if.value


def validate_value(field: Field, value: Any) -> None:
    """Say whether `value` may be the label of `field`.

    A choice is one of the allowed strings, a text any string without control characters, flags a
    list of allowed strings without repetition (`[]` for none).

    Raises:
        InputError: it may not; the message names the field and what is allowed.
    """
    allowed = ", ".join(field.values)
    if field.kind == "choice":
        fits = isinstance(value, str) and value in field.values
    elif field.kind == "flags":
        fits = (
            isinstance(value, list)
            and all(isinstance(flag, str) and flag in field.values for flag in value)
            and len(set(value)) == len(value)
        )
        allowed = f"a list of {allowed}"
    else:
        fits = isinstance(value, str) and not CONTROL_CHARACTERS.search(value)
        allowed = "text without control characters"
    if not fits:
        raise InputError(
            f"field {field.name}",
            "a value that the label schema does not know",
            reason="bad_label",
            found=repr(value),
            allowed=allowed,
        )


def _read(path: Path | None) -> tuple[str, str]:
    if path is None and SCHEMA_FILE.is_file():
        path = SCHEMA_FILE
    if path is None:
        inside = files("lowdiff.labels") / "schema.toml"
        if inside.is_file():
            return "the label schema inside lowdiff", inside.read_text(encoding="utf-8")
        # an editable install run from elsewhere: the checkout lies around the package
        path = Path(__file__).parents[2] / SCHEMA_FILE
    try:
        return str(path), path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})", reason="no_schema") from error


def _field(entry: dict[str, Any]) -> Field:
    plain = {key: value for key, value in entry.items() if key not in ("choice", "only_if")}
    condition = entry.get("only_if")
    return Field(
        **plain,
        choices=tuple(Choice(**choice) for choice in entry.get("choice", ())),
        only_if=Condition(**condition) if condition else None,
    )
