"""Label Studio's two screens, generated from the schema: the form, and the boxes with words.

Only what is asked of an image is shown. The control `ask` holds the names of the open fields; it is
filled in by the prediction, and every field is visible only while its name is chosen there. Label
Studio leaves hidden controls out of the annotation.
"""

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from lowdiff.labels.schema import BoxLabel, Field, Schema

FORM, TEXT = "form", "text"
SCREENS = (FORM, TEXT)
"""The form asks the fields and the figures; the other one asks lines of text and their words."""

IMAGE = "image"
"""Name of the picture on the screen, and the key of its address in a task's data."""
BOX = "box"
"""Name of the rectangles' control."""
BOX_TEXT = "box_text"
"""Name of the control for the words inside a rectangle."""
ASK = "ask"
"""Name of the control that says which fields are shown, and the key of their names in a task's
data."""

NO_KEYS = tuple(f"{shift}f{number}" for shift in ("", "shift+") for number in range(13, 20))
"""Label Studio gives a key to every choice that has none, even one of its own. These keys are on no
keyboard: the choices of `ask` are for the mouse."""

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


def fields_of(schema: Schema, screen: str) -> tuple[Field, ...]:
    """The fields that a screen can show."""
    if screen == TEXT:
        return tuple(field for field in schema.fields if field.answer == "read")
    return schema.fields


def boxes_of(schema: Schema, screen: str) -> tuple[BoxLabel, ...]:
    """The rectangles of a screen."""
    return tuple(label for label in schema.boxes.labels if label.has_text == (screen == TEXT))


def asked_together(schema: Schema, names: Iterable[str]) -> tuple[str, ...]:
    """The fields to ask when these are open, in the order of the schema.

    A field with a condition and the field that it depends on are asked together: the second one
    decides on the screen whether the first applies.
    """
    wanted = set(names)
    for field in schema.fields:
        if field.only_if and {field.name, field.only_if.field} & wanted:
            wanted |= {field.name, field.only_if.field}
    return tuple(name for name in schema.names if name in wanted)


def label_config(schema: Schema, screen: str = FORM) -> str:
    """Label Studio's XML of a screen: the picture on the left, the fields on the right."""
    fields = fields_of(schema, screen)
    shown = "\n".join(_shown(field) for field in fields)
    return f"""\
<!-- Generated from schema.toml {schema.version} by `lowdiff schema`; do not edit. -->
<View>
  <Style>
{STYLE}  </Style>
  <View className="ld-columns">
    <View className="ld-picture">
{_boxes(boxes_of(schema, screen))}
    </View>
    <View className="ld-form">
{shown}
      <View className="ld-ask">
        <Header value="Also show" size="6" />
{_ask(fields)}
      </View>
    </View>
  </View>
</View>
"""


def _shown(field: Field) -> str:
    """A field, visible while it is asked, and while its condition holds."""
    control = _control(field)
    if field.only_if:
        control = _when(field.only_if.field, field.only_if.value, control)
    return _when(ASK, field.name, control, "ld-field")


def _when(tag: str, value: str, inside: str, css: str = "") -> str:
    style = f' className="{css}"' if css else ""
    return (
        f'      <View{style} visibleWhen="choice-selected" whenTagName="{tag}"'
        f' whenChoiceValue="{value}">\n{inside}\n      </View>'
    )


def _control(field: Field) -> str:
    head = f'      <Header value={quoteattr(field.title)} size="5" />'
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
        f" hint={quoteattr(f'{entry.definition} Example: {entry.example}')} />"
        for entry in field.choices
    ]
    return "\n".join([head, *lines, "      </Choices>"])


def _ask(fields: Iterable[Field]) -> str:
    lines = [f'        <Choices name="{ASK}" toName="{IMAGE}" choice="multiple" showInline="true">']
    lines += [
        f'          <Choice value="{field.name}" hotkey="{key}" hint={quoteattr(field.meaning)} />'
        for field, key in zip(fields, NO_KEYS, strict=False)
    ]
    return "\n".join([*lines, "        </Choices>"])


def _boxes(labels: Iterable[BoxLabel]) -> str:
    # the fill is faint: colours must be judged through it
    lines = [
        f'      <RectangleLabels name="{BOX}" toName="{IMAGE}" showInline="true"'
        ' opacity="0.04" strokeWidth="2">'
    ]
    lines += [
        f'        <Label value="{label.value}" background="{label.colour}"'
        f' hotkey="{label.hotkey}" hint={quoteattr(f"{label.definition} {label.example}")} />'
        for label in labels
    ]
    lines.append("      </RectangleLabels>")
    lines.append(f'      <Image name="{IMAGE}" value="${IMAGE}" zoom="true" />')
    with_text = ",".join(label.value for label in labels if label.has_text)
    if with_text:
        lines.append(
            f'      <TextArea name="{BOX_TEXT}" toName="{IMAGE}" perRegion="true" rows="1"'
            ' maxSubmissions="1" editable="true" displayMode="region-list"'
            f' visibleWhen="region-selected" whenTagName="{BOX}" whenLabelValue="{with_text}"'
            ' placeholder="Words in this box, if any" />'
        )
    return "\n".join(lines)
