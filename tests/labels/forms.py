"""Random values and filled-in forms that fit the label schema."""

from hypothesis import strategies as st

from lowdiff.labels.desk.tasks import Box, Form, clean_text
from lowdiff.labels.schema import load_schema

SCHEMA = load_schema()
percents = st.floats(0, 100).map(lambda value: round(value, 3))
texts = st.text(max_size=40).map(clean_text)


def value_of(field):
    if field.kind == "text":
        return texts.filter(bool) if field.required else texts
    if field.kind == "choice":
        return st.sampled_from(field.values)
    return st.lists(st.sampled_from(field.values), unique=True).map(
        lambda flags: [value for value in field.values if value in flags]
    )


def values_of(schema):
    return st.fixed_dictionaries({field.name: value_of(field) for field in schema.fields})


@st.composite
def boxes_of(draw, schema):
    left, right = sorted([draw(percents), draw(percents)])
    top, bottom = sorted([draw(percents), draw(percents)])
    return Box(
        draw(st.sampled_from([label.value for label in schema.boxes.labels])),
        left,
        top,
        round(right - left, 4),
        round(bottom - top, 4),
        draw(texts),
    )


def forms_of(schema):
    boxes = boxes_of(schema).filter(lambda box: box.w_pct > 0 and box.h_pct > 0)
    return st.builds(
        Form,
        values_of(schema),
        st.lists(boxes, max_size=4).map(
            lambda found: tuple(sorted(found, key=lambda box: (box.y_pct, box.x_pct, box.label)))
        ),
    )
