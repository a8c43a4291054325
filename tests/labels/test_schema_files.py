import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from label_studio_sdk.label_interface import LabelInterface
from typer.testing import CliRunner

from lowdiff.cli.app import app
from lowdiff.errors import ContractError
from lowdiff.labels.schema_files import generated_files, stale_files, write_files
from lowdiff.labels.schema_screen import SCREENS, asked_together, boxes_of, fields_of, label_config
from tests.labels.forms import SCHEMA

LABELING = Path(__file__).parents[2] / "labeling"


def test_the_committed_files_fit_the_schema():
    assert stale_files(LABELING, SCHEMA) == [], "run `lowdiff schema`"


@pytest.mark.parametrize("screen", SCREENS)
def test_label_studio_accepts_the_screen(screen):
    LabelInterface(label_config(SCHEMA, screen)).validate()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_offers_every_value_with_its_key_and_definition(screen):
    root = ET.fromstring(label_config(SCHEMA, screen))
    for field in fields_of(SCHEMA, screen):
        control = root.find(f".//*[@name='{field.name}']")
        assert control is not None
        assert control.tag == ("TextArea" if field.kind == "text" else "Choices")
        shown = [(c.get("value"), c.get("hotkey")) for c in control]
        assert shown == [(c.value, c.hotkey) for c in field.choices]
        for choice, element in zip(field.choices, control, strict=True):
            assert choice.definition in element.get("hint", "")
            assert choice.example in element.get("hint", "")
    boxes = [(label.get("value"), label.get("hotkey")) for label in root.iter("Label")]
    assert boxes == [(label.value, label.hotkey) for label in boxes_of(SCHEMA, screen)]


def test_every_field_and_every_box_has_a_screen():
    fields = [field.name for screen in SCREENS for field in fields_of(SCHEMA, screen)]
    assert set(fields) == set(SCHEMA.names)
    boxes = [label for screen in SCREENS for label in boxes_of(SCHEMA, screen)]
    assert sorted(boxes, key=str) == sorted(SCHEMA.boxes.labels, key=str)


@pytest.mark.parametrize("screen", SCREENS)
def test_every_field_is_shown_only_while_it_is_asked(screen):
    root = ET.fromstring(label_config(SCHEMA, screen))
    around = {child: parent for parent in root.iter() for child in parent}
    asked = [choice.get("value") for choice in root.iterfind(".//*[@name='ask']/Choice")]
    assert asked == [field.name for field in fields_of(SCHEMA, screen)]
    for name in asked:
        view = root.find(f".//*[@name='{name}']")
        conditions = []
        while (view := around.get(view)) is not None:
            conditions.append((view.get("whenTagName"), view.get("whenChoiceValue")))
        assert ("ask", name) in conditions


def test_a_brand_and_its_logo_are_asked_together():
    assert asked_together(SCHEMA, ["brand"]) == ("logo", "brand")
    assert asked_together(SCHEMA, ["logo", "caption"]) == ("caption", "logo", "brand")
    assert asked_together(SCHEMA, ["style"]) == ("style",)


def test_the_table_tells_every_definition_and_every_key():
    table = generated_files(SCHEMA)["schema.md"]
    for field in SCHEMA.fields:
        assert field.meaning in table
        assert field.measured_by in table
        for c in field.choices:
            assert f"| {c.value} | {c.definition} | {c.example} | `{c.hotkey}` |" in table


def test_writing_again_writes_nothing(tmp_path):
    assert [path.name for path in write_files(tmp_path, SCHEMA)] == sorted(generated_files(SCHEMA))
    assert write_files(tmp_path, SCHEMA) == []


def test_check_writes_nothing_and_names_what_is_stale(tmp_path):
    (tmp_path / "schema.toml").write_bytes((LABELING / "schema.toml").read_bytes())
    run = CliRunner().invoke(app, ["schema", "--check", "--folder", str(tmp_path)])
    assert isinstance(run.exception, ContractError)
    assert run.exception.exit_code == 5
    assert "label_config.xml, schema.md, text_config.xml" in str(run.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["schema.toml"]

    written = CliRunner().invoke(app, ["schema", "--folder", str(tmp_path), "--json"])
    states = [json.loads(line)["state"] for line in written.stdout.splitlines()]
    assert states == ["written"] * 3
    checked = CliRunner().invoke(app, ["schema", "--check", "--folder", str(tmp_path)])
    assert checked.exit_code == 0


@pytest.mark.parametrize("name", sorted(generated_files(SCHEMA)))
def test_a_changed_file_is_stale(tmp_path, name):
    write_files(tmp_path, SCHEMA)
    with (tmp_path / name).open("a") as file:
        file.write("\n")
    assert stale_files(tmp_path, SCHEMA) == [tmp_path / name]


def test_the_guide_names_every_key_and_shows_its_pictures():
    guide = (LABELING / "guide.md").read_text(encoding="utf-8")
    keys = {choice.hotkey for field in SCHEMA.fields for choice in field.choices}
    keys |= {label.hotkey for label in SCHEMA.boxes.labels}
    for key in keys:
        assert f"`{key.title() if '+' in key else key}`" in guide
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", guide)
    assert shown == ["pictures/open-fields.png", "pictures/all-fields.png", "pictures/words.png"]
    for picture in shown:
        assert 0 < (LABELING / picture).stat().st_size <= 150_000
