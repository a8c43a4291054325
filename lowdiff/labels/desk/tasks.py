"""Labels → a Label Studio task with predictions, and an annotation → labels. No I/O.

A result item of Label Studio is `{from_name, to_name, type, value}`. A rectangle with words is two
items that share one `id` and one geometry; geometry is in percent of the picture's sides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lowdiff.errors import InputError
from lowdiff.labels.schema import CONTROL_CHARACTERS, Field, Schema, applies, validate_value
from lowdiff.labels.schema_screen import (
    ASK,
    BOX,
    BOX_TEXT,
    FORM,
    IMAGE,
    asked_together,
    boxes_of,
    fields_of,
)

MODEL_VERSION = "lowdiff-drafts"
"""Under this name Label Studio shows our predictions; see `create_project`."""


@dataclass(frozen=True)
class Box:
    """A rectangle on the picture, in percent of its sides, measured from the top left corner."""

    label: str
    x_pct: float
    y_pct: float
    w_pct: float
    h_pct: float
    text: str = ""


@dataclass(frozen=True)
class Form:
    """What the form says of one image: field → value, and the rectangles."""

    values: dict[str, Any]
    """Only the fields that are filled in; a text may be empty, flags may be `[]`."""
    boxes: tuple[Box, ...] = ()
    ask: tuple[str, ...] | None = None
    """The fields that the screen shows, the others being settled; None for all of them."""


def clean_text(text: str) -> str:
    """A text as it is kept: line ends as \\n, no other control characters, no space around."""
    return CONTROL_CHARACTERS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def box_of_pixels(
    label: str, *, x_px: float, y_px: float, w_px: float, h_px: float,
    width_px: int, height_px: int, text: str = "",
) -> Box | None:  # fmt: skip
    """A rectangle in pixels of a picture of that size; what sticks out is cut off.

    Returns:
        None when nothing of it lies on the picture.
    """
    left, right = (100 * min(max(x, 0.0), width_px) / width_px for x in (x_px, x_px + w_px))
    top, bottom = (100 * min(max(y, 0.0), height_px) / height_px for y in (y_px, y_px + h_px))
    box = Box(
        label, round(left, 4), round(top, 4), round(right - left, 4), round(bottom - top, 4),
        clean_text(text),
    )  # fmt: skip
    return box if box.w_pct > 0 and box.h_pct > 0 else None


def to_result(
    schema: Schema, form: Form, *, width_px: int, height_px: int, screen: str = FORM
) -> list[dict[str, Any]]:
    """The items of a prediction that fills in the form.

    Args:
        width_px, height_px: size of the picture that the annotator sees.
        screen: the fields and rectangles of other screens are left out.

    Raises:
        InputError: a value or a rectangle does not fit the schema.
    """
    items: list[dict[str, Any]] = []
    fields = fields_of(schema, screen)
    for field in fields:
        if field.name in form.values:
            items += _field_items(field, form.values[field.name])
    wanted = asked_together(schema, schema.names if form.ask is None else form.ask)
    ask = [field.name for field in fields if field.name in wanted]
    if ask:
        items.append(
            {"from_name": ASK, "to_name": IMAGE, "type": "choices", "value": {"choices": ask}}
        )
    here = {label.value: label.has_text for label in boxes_of(schema, screen)}
    for number, box in enumerate(form.boxes):
        _check_box(schema, box)
        if box.label in here:
            text = box.text if here[box.label] else ""
            items += _box_items(replace(box, text=text), f"box{number}", width_px, height_px)
    return items


def from_result(schema: Schema, result: Sequence[Mapping[str, Any]], *, screen: str = FORM) -> Form:
    """What an annotator confirmed: every field that is filled in, among those that were shown.

    What was shown is what the control `ask` says at the end: what we asked, and what the annotator
    chose to see. Without that control (an annotation of an older screen) it is what is filled in.
    An empty text and no flag are answers too where the field was shown, unless it is required.
    A field whose condition does not hold is no answer. Rectangles of other screens are left out.

    Raises:
        InputError: an item does not fit the schema.
    """
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for item in result:
        by_name.setdefault(str(item.get("from_name")), []).append(item)
    shown = [name for item in by_name.get(ASK, []) for name in _strings(item, "choices")]
    values: dict[str, Any] = {}
    for field in fields_of(schema, screen):
        items = by_name.get(field.name, [])
        was_shown = field.name in shown if ASK in by_name else bool(items)
        if not (was_shown and applies(field, values)):
            continue
        value = _field_value(field, items)
        if value is not None:
            validate_value(field, value)
            values[field.name] = value
    texts = {
        str(item.get("id")): clean_text("\n".join(_strings(item, "text")))
        for item in by_name.get(BOX_TEXT, [])
    }
    here = {label.value for label in boxes_of(schema, screen)}
    boxes = [_read_box(schema, item, texts) for item in by_name.get(BOX, [])]
    return Form(
        values,
        tuple(
            sorted(
                (box for box in boxes if box.label in here),
                key=lambda box: (box.y_pct, box.x_pct, box.label),
            )
        ),
        tuple(name for name in schema.names if name in shown),
    )


def boxes_value(boxes: Sequence[Box]) -> list[dict[str, Any]]:
    """Rectangles as the value of a label."""
    return [asdict(box) for box in boxes]


def make_task(
    *, image_url: str, image_id: str, external_key: str, push_batch: str,
    result: Sequence[Mapping[str, Any]], ask: Sequence[str], priority: float,
) -> dict[str, Any]:  # fmt: skip
    """A task for import.

    Args:
        image_url: where the browser finds the picture, relative to the server.
        external_key: our unique name of the task.
        ask: the fields that are asked, for the columns of Label Studio's list.
        priority: in [0, 1]; tasks with a high one are shown first.
    """
    return {
        "data": {
            IMAGE: image_url,
            "image_id": image_id,
            "external_key": external_key,
            "push_batch": push_batch,
            **place_of(ask, priority),
        },
        "predictions": [
            {
                "model_version": MODEL_VERSION,
                "score": score_of(priority),
                "result": list(result),
            }
        ],
    }


def place_of(ask: Sequence[str], priority: float) -> dict[str, Any]:
    """What a task's data tell of its place in the queue."""
    return {ASK: ", ".join(ask), "priority": round(priority, 6)}


def score_of(priority: float) -> float:
    """The score of a prediction: Label Studio shows the lowest one first."""
    return round(1 - priority, 6)


def _field_items(field: Field, value: Any) -> list[dict[str, Any]]:
    if field.kind == "text" and isinstance(value, str):
        value = clean_text(value)
    validate_value(field, value)
    if value in ("", []):
        return []  # an empty control has no item
    head = {"from_name": field.name, "to_name": IMAGE}
    if field.kind == "text":
        return [{**head, "type": "textarea", "value": {"text": [value]}}]
    chosen = value if field.kind == "flags" else [value]
    return [{**head, "type": "choices", "value": {"choices": list(chosen)}}]


def _field_value(field: Field, items: Sequence[Mapping[str, Any]]) -> Any:
    if field.kind == "text":
        text = clean_text("\n".join(line for item in items for line in _strings(item, "text")))
        return None if field.required and not text else text
    chosen = [value for item in items for value in _strings(item, "choices")]
    if field.kind == "flags":
        if field.required and not chosen:
            return None
        known = [value for value in field.values if value in chosen]
        return known + sorted(set(chosen) - set(known))
    return chosen[0] if chosen else None


def _strings(item: Mapping[str, Any], key: str) -> list[str]:
    """The list of texts under `key` of an item's value; a lone text is a list of one."""
    value = item.get("value")
    found = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise InputError(
            item.get("from_name"),
            "an item that is none of our screen's",
            reason="bad_item",
            found=repr(value),
            allowed=f"a list of texts under {key!r}",
        )
    return found


def _box_items(box: Box, box_id: str, width_px: int, height_px: int) -> list[dict[str, Any]]:
    geometry = {
        "x": box.x_pct, "y": box.y_pct, "width": box.w_pct, "height": box.h_pct, "rotation": 0,
    }  # fmt: skip
    head = {
        "id": box_id, "to_name": IMAGE, "image_rotation": 0,
        "original_width": width_px, "original_height": height_px,
    }  # fmt: skip
    rectangle = {"type": "rectanglelabels", "value": {**geometry, "rectanglelabels": [box.label]}}
    items = [{**head, "from_name": BOX, **rectangle}]
    if box.text:
        words = {"type": "textarea", "value": {**geometry, "text": [box.text]}}
        items.append({**head, "from_name": BOX_TEXT, **words})
    return items


def _read_box(schema: Schema, item: Mapping[str, Any], texts: Mapping[str, str]) -> Box:
    labels = _strings(item, "rectanglelabels") or [""]
    value = item["value"]
    try:
        x, y, width, height = (float(value[key]) for key in ("x", "y", "width", "height"))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            schema.boxes.name, "a rectangle without a geometry", reason="bad_box", found=repr(value)
        ) from error
    left, top = max(0.0, x), max(0.0, y)
    right, bottom = min(100.0, x + width), min(100.0, y + height)
    box = Box(
        labels[0], round(left, 4), round(top, 4), round(right - left, 4),
        round(bottom - top, 4), texts.get(str(item.get("id")), ""),
    )  # fmt: skip
    _check_box(schema, box)
    return box


def _check_box(schema: Schema, box: Box) -> None:
    label = schema.boxes.label(box.label)
    edges = (box.x_pct, box.y_pct, box.x_pct + box.w_pct, box.y_pct + box.h_pct)
    lies_inside = all(-0.001 <= edge <= 100.001 for edge in edges) and min(box.w_pct, box.h_pct) > 0
    if label is None or not lies_inside:
        raise InputError(
            schema.boxes.name,
            "a rectangle that the label schema does not know",
            reason="bad_box",
            found=repr(box),
            allowed=", ".join(entry.value for entry in schema.boxes.labels)
            + ", with edges from 0 to 100 %",
        )
