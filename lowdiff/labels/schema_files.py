"""The files that are generated from the schema: Label Studio's screen, a table for people."""

from pathlib import Path
from xml.sax.saxutils import quoteattr

from lowdiff.errors import ServiceError
from lowdiff.labels.schema import Boxes, Choice, Field, Schema

CONFIG_FILE = "label_config.xml"
TABLE_FILE = "schema.md"

IMAGE = "image"
"""Name of the picture on the screen, and the key of its address in a task's data."""
BOX = "box"
"""Name of the rectangles' control."""
BOX_TEXT = "box_text"
"""Name of the control for the words inside a rectangle."""

STYLE = """\
.ld-columns { display: flex; gap: 20px; align-items: flex-start }
.ld-picture { flex: 1 1 50%; min-width: 0; position: sticky; top: 0 }
.ld-form { flex: 1 1 50%; min-width: 0 }
.ld-form [data-testid="htx-textbox-view"] { position: relative; cursor: text }
.ld-form [data-testid="htx-textbox-actions"],
.ld-form [data-testid="htx-textbox-edit-button"] { position: absolute; inset: 0; display: block }
.ld-form [data-testid="htx-textbox-actions"] { opacity: 0 !important }
.ld-form [data-testid="htx-textbox-edit-button"] { width: 100%; height: 100% }
.ld-form [data-testid="htx-textbox-delete-button"] { display: none }
"""
"""A click anywhere on a text edits it: Label Studio's own pencil is stretched over the whole text.
Without this the keys typed after a click would be taken for hotkeys and change the choices."""


def label_config(schema: Schema) -> str:
    """Label Studio's XML of the screen: the picture on the left, the form on the right."""
    form = "\n".join(_control(field) for field in schema.fields)
    return f"""\
<!-- Generated from schema.toml {schema.version} by `lowdiff schema`; do not edit. -->
<View>
  <Style>
{STYLE}  </Style>
  <View className="ld-columns">
    <View className="ld-picture">
{_boxes(schema.boxes)}
    </View>
    <View className="ld-form">
{form}
    </View>
  </View>
</View>
"""


def schema_table(schema: Schema) -> str:
    """Markdown for people: every field with its meaning, values, definitions and hotkeys."""
    parts = [
        f"# Label schema {schema.version}",
        "Generated from `schema.toml` by `lowdiff schema`; do not edit.",
        "How to label is told in [guide.md](guide.md).",
    ]
    for field in schema.fields:
        kind = {"choice": "exactly one", "text": "a text", "flags": "any number, or none"}
        parts.append(f"## {field.title} (`{field.name}`, {kind[field.kind]})")
        parts.append(f"{field.meaning}\n\nDraft: {field.drafted_by}.")
        if field.choices:
            parts.append(_table(field.choices))
    boxes = schema.boxes
    parts.append(f"## {boxes.title} (`{boxes.name}`, rectangles)")
    parts.append(f"{boxes.meaning}\n\nDraft: {boxes.drafted_by}.")
    parts.append(
        _table([Choice(label.value, label.definition, label.hotkey) for label in boxes.labels])
    )
    return "\n\n".join(parts) + "\n"


def generated_files(schema: Schema) -> dict[str, str]:
    """File name → content of everything that is generated from the schema."""
    return {CONFIG_FILE: label_config(schema), TABLE_FILE: schema_table(schema)}


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


def _control(field: Field) -> str:
    title = f"      <Header value={quoteattr(field.title)} size="
    head = f'{title}"5" />'
    required = ' required="true"' if field.required else ""
    name = f'name="{field.name}" toName="{IMAGE}"'
    if field.kind == "text":
        return (
            f"{head}\n"
            f'      <TextArea {name} rows="{field.rows}" maxSubmissions="1" editable="true"'
            f' showSubmitButton="false" placeholder={quoteattr(field.meaning)}{required} />'
        )
    choice = "multiple" if field.kind == "flags" else "single-radio"
    lines = [f'      <Choices {name} choice="{choice}" showInline="true"{required}>']
    lines += [
        f'        <Choice value="{entry.value}" hotkey="{entry.hotkey}"'
        f" hint={quoteattr(entry.definition)} />"
        for entry in field.choices
    ]
    return "\n".join([head, *lines, "      </Choices>"])


def _boxes(boxes: Boxes) -> str:
    # the fill is faint: colours must be judged through it
    lines = [
        f'      <RectangleLabels name="{BOX}" toName="{IMAGE}" showInline="true"'
        ' opacity="0.04" strokeWidth="2">'
    ]
    lines += [
        f'        <Label value="{label.value}" background="{label.colour}"'
        f' hotkey="{label.hotkey}" hint={quoteattr(label.definition)} />'
        for label in boxes.labels
    ]
    lines.append("      </RectangleLabels>")
    lines.append(f'      <Image name="{IMAGE}" value="${IMAGE}" zoom="true" />')
    with_text = ",".join(label.value for label in boxes.labels if label.has_text)
    if with_text:
        lines.append(
            f'      <TextArea name="{BOX_TEXT}" toName="{IMAGE}" perRegion="true" rows="1"'
            ' maxSubmissions="1" editable="true" displayMode="region-list"'
            f' visibleWhen="region-selected" whenTagName="{BOX}" whenLabelValue="{with_text}"'
            ' placeholder="Words in this box, if any" />'
        )
    return "\n".join(lines)


def _table(choices: tuple[Choice, ...] | list[Choice]) -> str:
    rows = "\n".join(f"| {c.value} | {c.definition} | `{c.hotkey}` |" for c in choices)
    return f"| value | definition | key |\n|---|---|---|\n{rows}"
