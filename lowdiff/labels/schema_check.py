"""The rules of `schema.toml`; each broken one gives a message that names it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from lowdiff.errors import InputError

KINDS = ("choice", "text", "flags")
ANSWERS = ("measured", "read", "learned", "source", "person")
LABEL_STUDIO_KEYS = frozenset("hruv") | {"shift+r"} | {f"alt+{key}" for key in "hlmr"}
"""Keys of Label Studio 1.23 on a screen with an image and rectangles: the tools pan, rectangle and
move, unselect, and what it does with a selected rectangle."""
BROWSER_KEYS = frozenset(f"alt+{key}" for key in "bdefhstv")
"""Chromium's address bar and menu, and Firefox's menus."""

HOTKEY = re.compile(r"((shift|alt)\+[a-z]|[a-z0-9])")
NAME = re.compile(r"[a-z][a-z0-9_]*")
VALUE = re.compile(r"[a-z][a-z0-9-]*")
BOX_VALUE = re.compile(r"[A-Z][A-Za-z]*")
RESERVED_NAMES = frozenset(
    {"ask", "box", "box_text", "image", "image_id", "external_key", "push_batch", "priority"}
)
"""Names with a meaning of their own in Label Studio's tasks."""

_TEXTS = ("name", "title", "meaning", "drafted_by")
_FIELD_TEXTS = (*_TEXTS, "measured_by")
_FIELD_KEYS = {*_FIELD_TEXTS, "kind", "answer", "choice", "required", "rows", "free", "only_if"}
_CHOICE_TEXTS = ("value", "definition", "example", "hotkey")
_CHOICE_KEYS = set(_CHOICE_TEXTS)
_BOXES_KEYS = {*_TEXTS, "label"}
_BOX_KEYS = {*_CHOICE_KEYS, "colour", "has_text"}


def check_schema(raw: Mapping[str, Any], *, item: str) -> None:
    """Check a parsed schema file.

    Args:
        item: its path, for messages.

    Raises:
        InputError: the first rule that it breaks.
    """
    rules = Rules(item)
    rules.keys("the file", raw, {"version", "field", "boxes"}, {"version", "field", "boxes"})
    rules.match("version", raw["version"], re.compile(r"\d+\.\d+"), "two numbers such as 1.0")
    rules.tables("field", raw["field"])
    for entry in raw["field"]:
        _check_field(rules, entry)
    _check_boxes(rules, raw["boxes"])
    rules.once("name", [entry["name"] for entry in raw["field"]] + [raw["boxes"]["name"]])
    _check_conditions(rules, raw["field"])
    _check_hotkeys(rules, raw)


def _check_field(rules: "Rules", entry: Mapping[str, Any]) -> None:
    where = f"field {entry.get('name', '(without a name)')}"
    rules.keys(where, entry, {*_FIELD_TEXTS, "kind", "answer"}, _FIELD_KEYS)
    rules.texts(where, entry, _FIELD_TEXTS)
    rules.match(f"{where}: name", entry["name"], NAME, "lower case, digits and _")
    if entry["name"] in RESERVED_NAMES:
        rules.broken(f"{where}: name", entry["name"], "a name that Label Studio's tasks do not use")
    if entry["kind"] not in KINDS:
        rules.broken(f"{where}: kind", repr(entry["kind"]), ", ".join(KINDS))
    if entry["answer"] not in ANSWERS:
        rules.broken(f"{where}: answer", repr(entry["answer"]), ", ".join(ANSWERS))
    for key in ("required", "free"):
        if not isinstance(entry.get(key, False), bool):
            rules.broken(f"{where}: {key}", repr(entry[key]), "true or false")
    rows = entry.get("rows", 1)
    if type(rows) is not int or not 1 <= rows <= 20:
        rules.broken(f"{where}: rows", repr(rows), "a whole number from 1 to 20")
    choices = entry.get("choice", [])
    if entry["kind"] == "text":
        if choices:
            rules.broken(where, "choices", "none for a text")
        return
    rules.tables(f"{where}: choice", choices)
    for choice in choices:
        at = f"{where}: choice {choice.get('value', '(without a value)')}"
        rules.keys(at, choice, _CHOICE_KEYS, _CHOICE_KEYS)
        rules.texts(at, choice, _CHOICE_TEXTS)
        rules.match(f"{at}: value", choice["value"], VALUE, "lower case, digits and -")
    rules.once(f"{where}: value", [choice["value"] for choice in choices])


def _check_boxes(rules: "Rules", boxes: Any) -> None:
    if not isinstance(boxes, dict):
        rules.broken("boxes", repr(boxes), "a table")
    rules.keys("boxes", boxes, _BOXES_KEYS, _BOXES_KEYS)
    rules.texts("boxes", boxes, _TEXTS)
    rules.match("boxes: name", boxes["name"], NAME, "lower case, digits and _")
    rules.tables("boxes: label", boxes["label"])
    for label in boxes["label"]:
        at = f"boxes: label {label.get('value', '(without a value)')}"
        rules.keys(at, label, {*_CHOICE_KEYS, "colour"}, _BOX_KEYS)
        rules.texts(at, label, (*_CHOICE_TEXTS, "colour"))
        rules.match(f"{at}: value", label["value"], BOX_VALUE, "letters, the first a capital")
        rules.match(f"{at}: colour", label["colour"], re.compile("#[0-9a-f]{6}"), "#rrggbb")
        if not isinstance(label.get("has_text", False), bool):
            rules.broken(f"{at}: has_text", repr(label["has_text"]), "true or false")
    rules.once("boxes: value", [label["value"] for label in boxes["label"]])


def _check_conditions(rules: "Rules", fields: Sequence[Mapping[str, Any]]) -> None:
    """A condition names a value of a choice that stands above; what may be hidden is optional."""
    above: dict[str, list[str]] = {}
    for entry in fields:
        where = f"field {entry['name']}: only_if"
        condition = entry.get("only_if")
        if condition is not None:
            if not isinstance(condition, dict):
                rules.broken(where, repr(condition), "a table")
            rules.keys(where, condition, {"field", "value"}, {"field", "value"})
            if condition["value"] not in above.get(str(condition["field"]), ()):
                rules.broken(where, repr(condition), "a value of a choice that stands above")
            if entry.get("required"):
                rules.broken(where, "required = true", "a field that need not be filled in")
        if entry["kind"] == "choice":
            above[entry["name"]] = [choice["value"] for choice in entry["choice"]]


def _check_hotkeys(rules: "Rules", raw: Mapping[str, Any]) -> None:
    owners: dict[str, str] = {}
    pairs = [
        (f"{entry['name']} = {choice['value']}", choice["hotkey"])
        for entry in raw["field"]
        for choice in entry.get("choice", ())
    ] + [(f"box {label['value']}", label["hotkey"]) for label in raw["boxes"]["label"]]
    for owner, hotkey in pairs:
        if not HOTKEY.fullmatch(hotkey):
            allowed = "a letter, a digit, shift+letter or alt+letter"
            rules.broken(f"hotkey of {owner}", repr(hotkey), allowed)
        for whose, taken in (("Label Studio", LABEL_STUDIO_KEYS), ("a browser", BROWSER_KEYS)):
            if hotkey in taken:
                free = f"any key but {' '.join(sorted(LABEL_STUDIO_KEYS | BROWSER_KEYS))}"
                rules.broken(f"hotkey of {owner}", f"{hotkey!r}, which is {whose}'s", free)
        if hotkey in owners:
            rules.broken(
                f"hotkey of {owner}", f"{hotkey!r}, which is {owners[hotkey]}'s", "a free one"
            )
        owners[hotkey] = owner


class Rules:
    """Raises for the first broken rule, always in the same form."""

    def __init__(self, item: str) -> None:
        self.item = item

    def broken(self, where: str, found: object, allowed: str) -> NoReturn:
        """Raise for one rule: where, what was found, and what is allowed."""
        raise InputError(
            self.item,
            f"{where}: breaks a rule of the label schema",
            reason="bad_schema",
            found=found,
            allowed=allowed,
        )

    def keys(self, where: str, table: Mapping[str, Any], must: set[str], may: set[str]) -> None:
        """A table has all of `must` and nothing but `may`."""
        for key in sorted(must - set(table)):
            self.broken(where, f"no {key!r}", "all of " + ", ".join(sorted(must)))
        for key in sorted(set(table) - may):
            self.broken(where, f"unknown key {key!r}", ", ".join(sorted(may)))

    def texts(self, where: str, table: Mapping[str, Any], keys: Sequence[str]) -> None:
        """These entries are texts that say something."""
        for key in keys:
            if not isinstance(table[key], str) or not table[key].strip():
                self.broken(f"{where}: {key}", repr(table[key]), "a text that is not empty")

    def match(self, where: str, value: Any, pattern: re.Pattern[str], allowed: str) -> None:
        """A text of a pattern."""
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self.broken(where, repr(value), allowed)

    def tables(self, where: str, value: Any) -> None:
        """A list of tables that is not empty."""
        if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
            self.broken(where, repr(value), f"at least one [[{where.split(': ')[-1]}]]")

    def once(self, what: str, values: Sequence[str]) -> None:
        """No value stands there twice."""
        for value in values:
            if values.count(value) > 1:
                self.broken(what, f"{value!r} twice", "each only once")
