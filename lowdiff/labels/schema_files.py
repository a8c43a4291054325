"""The files that are generated from the schema: Label Studio's screens, a table for people."""

from collections.abc import Iterable
from pathlib import Path

from lowdiff.errors import ServiceError
from lowdiff.labels.schema import BoxLabel, Choice, Field, Schema
from lowdiff.labels.schema_screen import FORM, TEXT, label_config

FORM_FILE = "label_config.xml"
TEXT_FILE = "text_config.xml"
TABLE_FILE = "schema.md"
KIND = {"choice": "exactly one", "text": "a text", "flags": "any number, or none"}
ANSWER = {
    "measured": "measured from pixels",
    "read": "read by OCR",
    "learned": "learned from labels",
    "source": "told by the source",
    "person": "a person alone",
}


def schema_table(schema: Schema) -> str:
    """Markdown for people: every field with its meaning, values, definitions and hotkeys."""
    parts = [
        f"# Label schema {schema.version}",
        "Generated from `schema.toml` by `lowdiff schema`; do not edit.",
        "How to label is told in [guide.md](guide.md).",
    ]
    parts += [_field_part(field) for field in schema.fields]
    boxes = schema.boxes
    parts.append(f"## {boxes.title} (`{boxes.name}`, rectangles)")
    parts.append(f"{boxes.meaning}\n\nDraft: {boxes.drafted_by}.")
    parts.append(_table(boxes.labels))
    return "\n\n".join(parts) + "\n"


def generated_files(schema: Schema) -> dict[str, str]:
    """File name → content of everything that is generated from the schema."""
    return {
        FORM_FILE: label_config(schema, FORM),
        TABLE_FILE: schema_table(schema),
        TEXT_FILE: label_config(schema, TEXT),
    }


def stale_files(folder: Path, schema: Schema) -> list[Path]:
    """Generated files in `folder` that are missing or do not fit the schema."""
    return [
        folder / name
        for name, content in generated_files(schema).items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != content
    ]


def write_files(folder: Path, schema: Schema) -> list[Path]:
    """Write the generated files that are stale; returns them.

    Raises:
        ServiceError: the folder cannot be written.
    """
    stale = stale_files(folder, schema)
    try:
        for path in stale:
            path.write_text(generated_files(schema)[path.name], encoding="utf-8")
    except OSError as error:
        raise ServiceError(
            folder, f"cannot be written ({error.strerror})", reason="folder_not_writable"
        ) from error
    return stale


def _field_part(field: Field) -> str:
    lines = [
        f"## {field.title} (`{field.name}`, {KIND[field.kind]})",
        field.meaning,
        f"Draft: {field.drafted_by} ({ANSWER[field.answer]}). Error: {field.measured_by}.",
    ]
    if field.only_if:
        lines.append(f"Only where `{field.only_if.field}` is {field.only_if.value}.")
    if field.free:
        lines.append("No machine's word counts here without a person, unless it is the source's.")
    if field.choices:
        lines.append(_table(field.choices))
    return "\n\n".join(lines)


def _table(choices: Iterable[Choice | BoxLabel]) -> str:
    rows = "\n".join(
        f"| {c.value} | {c.definition} | {c.example} | `{c.hotkey}` |" for c in choices
    )
    return f"| value | definition | example | key |\n|---|---|---|---|\n{rows}"
