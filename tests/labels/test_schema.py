import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.errors import ContractError, InputError
from lowdiff.labels.measure.colour import BASIC_NAMES
from lowdiff.labels.schema import SCHEMA_FILE, applies, load_schema, validate_value
from lowdiff.labels.schema_check import BROWSER_KEYS, LABEL_STUDIO_KEYS, check_schema
from tests.labels.forms import SCHEMA, values_of

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / SCHEMA_FILE).read_text(encoding="utf-8")

BROKEN = {
    "no version": ('version = "2.0"\n', "", "no 'version'"),
    "one number as a version": ('version = "2.0"', 'version = "2"', "two numbers"),
    "an unknown kind": ('kind = "flags"', 'kind = "rating"', "choice, text, flags"),
    "an unknown key": ("rows = 3", "lines = 3", "unknown key 'lines'"),
    "a missing definition": ('definition = "No brand\'s mark."\n', "", "no 'definition'"),
    "an empty title": ('title = "Logo"', 'title = " "', "not empty"),
    "a value twice": ('value = "gradient"', 'value = "plain"', "'plain' twice"),
    "a field twice": ('name = "logo"', 'name = "layout"', "'layout' twice"),
    "a hotkey twice": ('hotkey = "x"', 'hotkey = "z"', "background = plain's"),
    "Label Studio's hotkey": ('hotkey = "q"', 'hotkey = "r"', "Label Studio's"),
    "a browser's hotkey": ('hotkey = "q"', 'hotkey = "alt+d"', "a browser's"),
    "a hotkey with control": ('hotkey = "q"', 'hotkey = "ctrl+enter"', "shift+letter"),
    "no example": ('example = "An emoji."\n', "", "no 'example'"),
    "an answer from nowhere": ('answer = "read"', 'answer = "guessed"', "measured, read"),
    "a word for yes": ("free = true", 'free = "yes"', "true or false"),
    "a condition on no choice": (
        'only_if = { field = "logo"',
        'only_if = { field = "flags"',
        "above",
    ),
    "a condition on no value": ('value = "present" }', 'value = "maybe" }', "stands above"),
    "rows that are no number": ("rows = 3", 'rows = "3"', "whole number"),
    "a capital in a value": ('value = "muted"', 'value = "Muted"', "lower case"),
    "a colour by name": ('colour = "#d62728"', 'colour = "red"', "#rrggbb"),
    "a name of Label Studio's": ('name = "logo"', 'name = "image"', "do not use"),
    "no boxes": ("[boxes]", "[rectangles]", "no 'boxes'"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_rule_is_named_with_what_is_allowed(what, tmp_path):
    old, new, expected = BROKEN[what]
    assert old in TEXT
    broken = TEXT.replace(old, new)
    if what == "no boxes":
        broken = broken.replace("[[boxes.label]]", "[[rectangles.label]]")
    path = tmp_path / "schema.toml"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(expected)) as caught:
        load_schema(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_toml_or_not_there_is_one_clear_error(tmp_path):
    path = tmp_path / "schema.toml"
    with pytest.raises(InputError, match="cannot be read"):
        load_schema(path)
    path.write_text("version = ")
    with pytest.raises(InputError, match="no valid TOML"):
        load_schema(path)


def test_the_schema_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_schema() == SCHEMA


def test_every_choice_and_box_has_a_key_of_its_own_and_none_is_label_studios():
    keys = [choice.hotkey for field in SCHEMA.fields for choice in field.choices]
    keys += [label.hotkey for label in SCHEMA.boxes.labels]
    assert len(keys) == len(set(keys)) == 68
    assert not set(keys) & (LABEL_STUDIO_KEYS | BROWSER_KEYS)


def test_a_field_with_a_condition_applies_only_where_it_holds():
    brand = SCHEMA.field("brand")
    assert applies(brand, {"logo": "present"})
    assert not applies(brand, {"logo": "none"})
    assert not applies(brand, {})
    assert applies(SCHEMA.field("logo"), {})


def test_the_colours_of_the_schema_are_those_that_are_measured():
    assert SCHEMA.field("palette").values == BASIC_NAMES
    assert SCHEMA.field("background_colour").values == (*BASIC_NAMES, "several", "none")


def test_an_unknown_field_is_a_disagreement():
    with pytest.raises(ContractError, match="mood"):
        SCHEMA.field("mood")


@given(st.data())
def test_values_of_the_schema_fit_their_fields(data):
    for name, value in data.draw(values_of(SCHEMA)).items():
        validate_value(SCHEMA.field(name), value)


@given(
    st.sampled_from(SCHEMA.fields),
    st.one_of(st.none(), st.integers(), st.just(["no such flag"]), st.just("no such\x00value")),
)
def test_other_values_are_refused(field, value):
    with pytest.raises(InputError, match=field.name):
        validate_value(field, value)


def test_a_flag_counts_once():
    with pytest.raises(InputError, match="flags"):
        validate_value(SCHEMA.field("flags"), ["unusable", "unusable"])


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=5))
def test_whatever_stands_in_place_of_the_fields_gives_our_error(junk):
    raw = tomllib.loads(TEXT) | {"field": junk}
    with pytest.raises(InputError):
        check_schema(raw, item="schema.toml")
