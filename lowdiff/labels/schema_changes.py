"""What changes from one label schema to another, and what a migration file says of it. No I/O but
reading the files.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lowdiff.errors import InputError
from lowdiff.labels.schema_check import Rules

MIGRATIONS = Path("labeling") / "migrations"


@dataclass(frozen=True)
class Shape:
    """What of a schema its labels depend on; read from files of any version."""

    version: str
    kinds: Mapping[str, str]
    """Field → kind."""
    values: Mapping[str, Mapping[str, str]]
    """Field → value → definition; empty for a text."""
    meanings: Mapping[str, str]

    @property
    def major(self) -> str:
        """The first number of the version."""
        return self.version.split(".")[0]


@dataclass(frozen=True)
class Change:
    """One difference between two schemas."""

    what: str
    """`added`, `removed`, `renamed`, `merged`, `split`, `dropped`, `kind` or `meaning`."""
    field: str
    value: str = ""
    """Empty when the whole field is meant."""
    effect: str = ""
    """What becomes of the labels that are there."""
    loses: bool = False
    """True when labels would be lost: no migration says where they go."""


@dataclass(frozen=True)
class Migration:
    """What a file in `labeling/migrations` says; empty when there is none."""

    fields: Mapping[str, str] = field(default_factory=dict)
    """Old name → new name."""
    values: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(new name of the field, old value) → new value."""
    split: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(new name of the field, old value) → why a person has to say it again."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Old name → why nobody needs it any more."""

    def target(self, name: str) -> str:
        """The new name of a field."""
        return self.fields.get(name, name)


def read_shape(path: Path) -> Shape:
    """Read the shape of a schema file of any version.

    Raises:
        InputError: the file is missing, is no TOML, or has no fields as a schema has them.
    """
    raw = _toml(path)
    rules = Rules(str(path))
    rules.keys("the file", raw, {"version", "field", "boxes"}, set(raw))
    rules.tables("field", raw["field"])
    for entry in raw["field"]:
        where = f"field {entry.get('name')}"
        rules.keys(where, entry, {"name", "kind"}, set(entry))
        if entry.get("choice"):
            rules.tables(f"{where}: choice", entry["choice"])
            for choice in entry["choice"]:
                rules.keys(f"{where}: choice", choice, {"value"}, set(choice))
    return Shape(
        str(raw["version"]),
        {entry["name"]: entry["kind"] for entry in raw["field"]},
        {
            entry["name"]: {c["value"]: c.get("definition", "") for c in entry.get("choice", ())}
            for entry in raw["field"]
        },
        {entry["name"]: entry.get("meaning", "") for entry in raw["field"]},
    )


def read_migration(old_major: str, new_major: str, *, folder: Path = MIGRATIONS) -> Migration:
    """What is written for the step from one major version to another.

    Raises:
        InputError: the file breaks a rule.
    """
    path = folder / f"{old_major}-to-{new_major}.toml"
    if not path.is_file():
        return Migration()
    raw = _toml(path)
    rules = Rules(str(path))
    rules.keys("the file", raw, {"from", "to"}, {"from", "to", "field", "value", "split", "drop"})
    if (raw["from"], raw["to"]) != (old_major, new_major):
        rules.broken("from and to", f"{raw['from']!r} to {raw['to']!r}", "those of its name")
    must = {
        "field": {"from", "to"},
        "value": {"field", "from", "to"},
        "split": {"field", "value", "because"},
        "drop": {"field", "because"},
    }
    for kind, keys in must.items():
        if kind in raw:
            rules.tables(kind, raw[kind])
        for entry in raw.get(kind, ()):
            rules.keys(f"[[{kind}]]", entry, keys, keys)
    return Migration(
        {entry["from"]: entry["to"] for entry in raw.get("field", ())},
        {(e["field"], old): e["to"] for e in raw.get("value", ()) for old in _list(e["from"])},
        {(entry["field"], entry["value"]): entry["because"] for entry in raw.get("split", ())},
        {entry["field"]: entry["because"] for entry in raw.get("drop", ())},
    )


def diff_shapes(old: Shape, new: Shape, migration: Migration) -> list[Change]:
    """Every difference that concerns labels, in the order of the old schema, then what is new."""
    changes: list[Change] = []
    for name in old.kinds:
        target = migration.target(name)
        if name in migration.dropped:
            why = migration.dropped[name]
            changes.append(Change("dropped", name, effect=f"stays in the history alone: {why}"))
        elif target not in new.kinds:
            changes.append(Change("removed", name, effect="its labels have no place", loses=True))
        else:
            changes += _field_changes(name, target, old, new, migration)
    known = {migration.target(name) for name in old.kinds}
    changes += [
        Change("added", name, effect="open until somebody says it")
        for name in new.kinds
        if name not in known
    ]
    return changes


def _field_changes(
    name: str, target: str, old: Shape, new: Shape, migration: Migration
) -> list[Change]:
    changes = []
    if name != target:
        changes.append(Change("renamed", name, effect=f"its labels move to {target}"))
    if old.kinds[name] != new.kinds[target]:
        text = f"{old.kinds[name]} becomes {new.kinds[target]}"
        changes.append(Change("kind", name, effect=text, loses=True))
    if old.meanings[name] != new.meanings[target]:
        changes.append(Change("meaning", name, effect="its labels are kept as they are"))
    for value, definition in old.values[name].items():
        if (target, value) in migration.split:
            why = migration.split[target, value]
            changes.append(Change("split", name, value, f"a person says it again: {why}"))
        elif (target, value) in migration.values:
            to = migration.values[target, value]
            merged = sum(v == to for (f, _), v in migration.values.items() if f == target) > 1
            what = "merged" if merged or to in old.values[name] else "renamed"
            changes.append(Change(what, name, value, f"its labels become {to}"))
        elif value not in new.values[target]:
            changes.append(Change("removed", name, value, "its labels have no place", loses=True))
        elif definition != new.values[target][value]:
            changes.append(Change("meaning", name, value, "its labels are kept as they are"))
    taken = {to for (f, _), to in migration.values.items() if f == target}
    changes += [
        Change("added", target, value, "no label has it yet")
        for value in new.values[target]
        if value not in old.values[name] and value not in taken
    ]
    return changes


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})", reason="no_schema") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(path, f"is no valid TOML: {error}", reason="bad_toml") from error


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
