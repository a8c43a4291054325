"""Label Studio's two screens, generated from the schema: the form, and the boxes with words.

Only what is asked of an image is shown. The control `ask` holds the names of the open fields; it is
filled in by the prediction, and every field is visible only while its name is chosen there. Label
Studio leaves hidden controls out of the annotation.
"""

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from lowdiff.labels.schema import BoxLabel, Choice, Field, Schema

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
.ld-columns { display: flex; gap: 16px; align-items: flex-start }
.ld-picture { flex: 1 1 42%; min-width: 0; position: sticky; top: 0 }
.ld-form { flex: 1 1 58%; min-width: 0 }
.ld-field { display: grid; grid-template-columns: 88px minmax(0, 1fr); gap: 0 10px; padding: 3px 0;
  border-bottom: 1px solid rgba(128, 128, 128, .2) }
.ld-long { grid-template-columns: minmax(0, 1fr); padding-top: 0 }
.ld-long p { font-size: 15px; line-height: 21px }
.ld-if { display: contents }
.ld-form h4 { margin: 3px 0 !important; font-size: 13px; line-height: 18px }
.ld-form .lsf-choices { display: flex; flex-wrap: wrap; gap: 3px 4px; margin: 0 }
.ld-form .lsf-choice, .ld-form .lsf-choice__item { margin: 0; padding: 0 }
.ld-form .ant-radio, .ld-form .ant-checkbox, .ld-form .lsf-hint { display: none }
.ld-form label { margin: 0; padding: 1px 6px; font-size: 13px; line-height: 20px; cursor: pointer;
  border: 1px solid rgba(128, 128, 128, .4); border-radius: 6px }
.ld-form label > span { padding: 0 !important; margin: 0 !important }
.ld-field [class*="wrapper-checked"] span { color: #fff }
.ld-form label:hover { border-color: #3b5bdb }
.ld-form .ant-radio-wrapper-checked, .ld-form .ant-checkbox-wrapper-checked {
  background: #3b5bdb; border-color: #3b5bdb; color: #fff }
.ld-form kbd { all: unset; margin-left: 5px; font-size: 11px; opacity: .6 }
.ld-form i { display: inline-block; width: 10px; height: 10px; margin-right: 4px;
  border-radius: 50%; box-shadow: 0 0 0 1px rgba(128, 128, 128, .6) }
.ld-ask { display: flex; gap: 10px; margin-top: 8px; opacity: .7 }
.ld-ask h4 { flex: 0 0 78px; font-weight: 400 }
.ld-ask label { font-size: 11px; line-height: 15px; padding: 0 4px }
.ld-ask .ant-checkbox-wrapper-checked { background: none; color: #3b5bdb }
.ld-form [data-testid="textarea-regions"] { margin: 0 !important }
.ld-form [data-testid="htx-textbox-view"] { position: relative; cursor: text }
.ld-form [data-testid="htx-textbox-actions"],
.ld-form [data-testid="htx-textbox-edit-button"] { position: absolute; inset: 0; display: block }
.ld-form [data-testid="htx-textbox-actions"] { opacity: 0 !important }
.ld-form [data-testid="htx-textbox-edit-button"] { width: 100%; height: 100% }
.ld-form [data-testid="htx-textbox-delete-button"] { display: none }
"""
"""One field is one line; a value is a button with its key, the chosen one is filled. A click
anywhere on a text edits it: Label Studio's own pencil is stretched over the whole text. Without
this the keys typed after a click would be taken for hotkeys and change the choices."""

STYLE_OF = {
    FORM: """\
.lsf-sidepanels { padding: 0 !important }
.lsf-sidepanels__wrapper { display: none }
""",
    TEXT: """\
.ld-picture { flex-basis: 66% }
.ld-form { flex-basis: 34% }
.ld-ask { display: none }
""",
}
"""The form has no use for Label Studio's lists of rectangles; on the other screen the words of the
rectangles stand there."""

SWATCHES = {
    "black": "#111", "white": "#fff", "grey": "#8a8a8a", "red": "#d22f27", "orange": "#f1923a",
    "yellow": "#fcea2b", "green": "#5c9e31", "blue": "#2a6fdb", "purple": "#8967aa",
    "pink": "#f48fb1", "brown": "#8b5a2b",
}  # fmt: skip
"""Where these are the values, each has a dot of its colour before it."""


def fields_of(schema: Schema, screen: str) -> tuple[Field, ...]:
    """The fields that a screen can show."""
    if screen == TEXT:
        return tuple(field for field in schema.fields if field.answer == "read")
    return schema.fields


def boxes_of(schema: Schema, screen: str) -> tuple[BoxLabel, ...]:
    """The rectangles of a screen."""
    return tuple(label for label in schema.boxes.labels if label.has_text == (screen == TEXT))


def boxes_field(schema: Schema, screen: str) -> str:
    """The name under which the history keeps the rectangles of a screen.

    Each screen has its own, so that what a person says on one can never wipe the other's.
    """
    return schema.boxes.name if screen == FORM else f"{screen}_{schema.boxes.name}"


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
{STYLE}{STYLE_OF[screen]}{_swatches(fields)}  </Style>
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
    css = "ld-field ld-long" if field.rows > 2 else "ld-field"
    shown = _when(ASK, field.name, _control(field), css)
    if field.only_if is None:
        return shown
    return _when(field.only_if.field, field.only_if.value, shown, "ld-if")


def _when(tag: str, value: str, inside: str, css: str) -> str:
    return (
        f'      <View className="{css}" visibleWhen="choice-selected" whenTagName="{tag}"'
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
        f" html={quoteattr(_button(entry, of_colours=SWATCHES.keys() <= set(field.values)))}"
        f" hint={quoteattr(f'{entry.definition} Example: {entry.example}')} />"
        for entry in field.choices
    ]
    return "\n".join([head, *lines, "      </Choices>"])


def _button(choice: Choice, *, of_colours: bool) -> str:
    key = choice.hotkey.replace("shift+", "⇧").replace("alt+", "alt ")
    dot = f'<i class="ld-{choice.value}"></i>' if of_colours and choice.value in SWATCHES else ""
    return f"{dot}{choice.value}<kbd>{key}</kbd>"


def _swatches(fields: Iterable[Field]) -> str:
    if not any(SWATCHES.keys() <= set(field.values) for field in fields):
        return ""
    return "".join(f".ld-{name} {{ background: {code} }}\n" for name, code in SWATCHES.items())


def _ask(fields: Iterable[Field]) -> str:
    lines = [f'        <Choices name="{ASK}" toName="{IMAGE}" choice="multiple" showInline="true">']
    lines += [
        f'          <Choice value="{field.name}" hotkey="{key}"'
        f" html={quoteattr(field.title)} hint={quoteattr(field.meaning)} />"
        for field, key in zip(fields, NO_KEYS, strict=False)
    ]
    return "\n".join([*lines, "        </Choices>"])


def _boxes(labels: Iterable[BoxLabel]) -> str:
    # the fill is faint: colours must be judged through it
    lines = [
        f'      <RectangleLabels name="{BOX}" toName="{IMAGE}" showInline="true"'
        ' opacity="0.01" strokeWidth="2">'
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
