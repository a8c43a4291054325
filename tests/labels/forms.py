"""Random values and filled-in forms that fit the label schema."""

from hypothesis import strategies as st

from lowdiff.labels.desk.tasks import Box, Form, clean_text
from lowdiff.labels.schema import applies, load_schema
from lowdiff.labels.schema_screen import FORM, boxes_of

SCHEMA = load_schema()
percents = st.floats(0, 100).map(lambda value: round(value, 3))
texts = st.text(max_size=40).map(clean_text)


def value_of(field):
    if field.kind == "text":
        return texts.filter(bool) if field.required else texts
    if field.kind == "choice":
        return st.sampled_from(field.values)
    return st.lists(st.sampled_from(field.values), unique=True, min_size=field.required).map(
        lambda flags: [value for value in field.values if value in flags]
    )


def values_of(schema):
    """Values of all fields that apply."""
    every = st.fixed_dictionaries({field.name: value_of(field) for field in schema.fields})
    return every.map(
        lambda values: {n: v for n, v in values.items() if applies(schema.field(n), values)}
    )


@st.composite
def rectangles_of(draw, labels):
    left, right = sorted([draw(percents), draw(percents)])
    top, bottom = sorted([draw(percents), draw(percents)])
    label = draw(st.sampled_from(labels))
    return Box(
        label.value,
        left,
        top,
        round(right - left, 4),
        round(bottom - top, 4),
        draw(texts) if label.has_text else "",
    )


def forms_of(schema):
    """Whole forms, every field of them shown."""
    boxes = rectangles_of(boxes_of(schema, FORM)).filter(
        lambda box: box.w_pct > 0 and box.h_pct > 0
    )
    return st.builds(
        Form,
        values_of(schema),
        st.lists(boxes, max_size=4).map(
            lambda found: tuple(sorted(found, key=lambda box: (box.y_pct, box.x_pct, box.label)))
        ),
        st.just(schema.names),
    )
