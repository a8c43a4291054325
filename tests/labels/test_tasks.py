import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.errors import InputError
from lowdiff.labels.desk.screen import Screen
from lowdiff.labels.desk.tasks import Box, Form, box_of_pixels, clean_text, from_result, to_result
from lowdiff.labels.schema import applies
from lowdiff.labels.schema_screen import TEXT, asked_together, label_config
from tests.labels.forms import SCHEMA, forms_of, values_of

SCREEN = Screen(label_config(SCHEMA))
TEXT_SCREEN = Screen(label_config(SCHEMA, TEXT))
FULL = Form(
    {
        "caption": "A raccoon, one large centred figure.",
        "background": "plain",
        "figure_size": "large",
        "layout": "centred",
        "saturation": "grey",
        "logo": "none",
        "palette": ["red", "brown"],
        "transcription": "SALE\n50%",
        "flags": ["person-visible"],
    },
    (Box("Text", 10, 20, 30, 5, "SALE"), Box("Figure", 5, 25, 90, 70)),
)


@given(forms_of(SCHEMA))
def test_a_draft_that_is_submitted_unchanged_comes_back_as_it_was(form):
    result = to_result(SCHEMA, form, width_px=640, height_px=480)
    assert from_result(SCHEMA, result) == form


@given(forms_of(SCHEMA))
def test_label_studios_own_rules_find_nothing_wrong_with_our_predictions(form):
    assert SCREEN.complaints(to_result(SCHEMA, form, width_px=640, height_px=480)) == []


def test_label_studios_own_rules_are_really_asked():
    result = to_result(SCHEMA, FULL, width_px=640, height_px=480)
    next(item for item in result if item["type"] == "choices")["value"]["choices"] = ["no such"]
    assert SCREEN.complaints(result)


@given(values_of(SCHEMA), st.sampled_from(SCHEMA.names))
def test_a_field_without_a_draft_stays_open_on_the_screen(values, name):
    values.pop(name, None)
    result = to_result(SCHEMA, Form(values), width_px=8, height_px=8)
    assert name not in {item["from_name"] for item in result}
    answer = from_result(SCHEMA, result).values
    if name == "logo":
        values.pop("brand", None)
    empty = {"transcription": "", "brand": "", "flags": []}
    applied = name in empty and applies(SCHEMA.field(name), values)
    assert answer == values | ({name: empty[name]} if applied else {})


def test_the_other_screen_has_the_words_and_their_boxes_and_nothing_else():
    result = to_result(SCHEMA, FULL, width_px=640, height_px=480, screen=TEXT)
    assert TEXT_SCREEN.complaints(result) == []
    form = from_result(SCHEMA, result, screen=TEXT)
    assert form.values == {"transcription": "SALE\n50%"}
    assert form.boxes == FULL.boxes[:1]
    assert from_result(SCHEMA, to_result(SCHEMA, FULL, width_px=8, height_px=8)).boxes == (
        FULL.boxes[1],
    )


@given(forms_of(SCHEMA), st.lists(st.sampled_from(SCHEMA.names)))
def test_only_what_was_shown_is_answered(form, ask):
    asked = Form(form.values, form.boxes, tuple(ask))
    result = to_result(SCHEMA, asked, width_px=640, height_px=480)
    shown = asked_together(SCHEMA, ask)
    # Label Studio leaves hidden controls out of what it sends
    sent = [item for item in result if item["from_name"] in {*shown, "ask", "box", "box_text"}]
    answer = from_result(SCHEMA, sent)
    assert answer.values == {n: v for n, v in form.values.items() if n in shown}
    assert answer.ask == shown


def test_words_and_their_box_share_one_id_and_one_geometry():
    result = to_result(SCHEMA, FULL, width_px=640, height_px=480, screen=TEXT)
    box, words = [item for item in result if item.get("id") == "box0"]
    assert words["value"].pop("text") == ["SALE"]
    assert box["value"].pop("rectanglelabels") == ["Text"]
    assert box["value"] == words["value"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("background", "purple"), ("flags", ["shiny"]), ("caption", 7), ("layout", None)],
)
def test_a_draft_that_the_schema_does_not_know_is_refused(name, value):
    with pytest.raises(InputError, match=name):
        to_result(SCHEMA, Form(FULL.values | {name: value}), width_px=8, height_px=8)


@pytest.mark.parametrize(
    "box", [Box("Face", 0, 0, 5, 5), Box("Text", 90, 0, 20, 5), Box("Logo", 5, 5, 0, 3)]
)
def test_a_box_that_the_schema_does_not_know_is_refused(box):
    with pytest.raises(InputError, match="boxes"):
        to_result(SCHEMA, Form({}, (box,)), width_px=8, height_px=8)


@pytest.mark.parametrize(
    "damage",
    [
        lambda item: item.pop("value"),
        lambda item: item.update(value={}),
        lambda item: item.update(value={next(iter(item["value"])): 3}),
        lambda item: item.update(value={"choices": ["other"], "text": [3]}),
    ],
)
@pytest.mark.parametrize("number", range(9))
def test_an_answer_that_is_not_from_our_screen_is_refused(damage, number):
    result = copy.deepcopy(to_result(SCHEMA, FULL, width_px=640, height_px=480))
    damage(result[number])
    with pytest.raises(InputError):
        from_result(SCHEMA, result)


def test_a_box_drawn_over_the_edge_is_cut_at_the_edge():
    form = Form({}, (Box("Figure", 50, 50, 20, 20),))
    result = to_result(SCHEMA, form, width_px=8, height_px=8)
    result[-1]["value"] |= {"x": -3.0, "y": 95.0, "width": 10.0, "height": 10.0}
    assert from_result(SCHEMA, result).boxes == (Box("Figure", 0, 95, 7, 5),)


@given(
    st.integers(-50, 150), st.integers(-50, 150), st.integers(0, 90), st.integers(0, 90)
)  # fmt: skip
def test_a_box_of_pixels_lies_on_the_picture_or_is_none(x, y, w, h):
    box = box_of_pixels("Figure", x_px=x, y_px=y, w_px=w, h_px=h, width_px=100, height_px=50)
    is_visible = x < 100 and x + w > 0 and y < 50 and y + h > 0 and w > 0 and h > 0
    assert (box is not None) == is_visible
    if box is not None:
        assert box.x_pct >= 0
        assert box.y_pct >= 0
        assert box.x_pct + box.w_pct <= 100.001
        assert box.y_pct + box.h_pct <= 100.001


@given(st.text())
def test_cleaning_a_text_twice_is_cleaning_it_once(text):
    assert clean_text(clean_text(text)) == clean_text(text)
    assert "\r" not in clean_text(text)
