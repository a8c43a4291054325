import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from label_studio_sdk.label_interface import LabelInterface
from typer.testing import CliRunner

from lowdiff.cli.app import app
from lowdiff.errors import ContractError
from lowdiff.labels.schema_files import generated_files, label_config, stale_files, write_files
from tests.labels.forms import SCHEMA

LABELING = Path(__file__).parents[2] / "labeling"


def test_the_committed_files_fit_the_schema():
    assert stale_files(LABELING, SCHEMA) == [], "run `lowdiff schema`"


def test_label_studio_accepts_the_screen():
    LabelInterface(label_config(SCHEMA)).validate()


def test_the_screen_offers_every_value_with_its_key_and_definition():
    root = ET.fromstring(label_config(SCHEMA))
    for field in SCHEMA.fields:
        control = root.find(f".//*[@name='{field.name}']")
        assert control is not None
        assert control.tag == ("TextArea" if field.kind == "text" else "Choices")
        shown = [(c.get("value"), c.get("hotkey"), c.get("hint")) for c in control]
        assert shown == [(c.value, c.hotkey, c.definition) for c in field.choices]


def test_the_table_tells_every_definition_and_every_key():
    table = generated_files(SCHEMA)["schema.md"]
    for field in SCHEMA.fields:
        assert field.meaning in table
        for choice in field.choices:
            assert f"| {choice.value} | {choice.definition} | `{choice.hotkey}` |" in table


def test_writing_again_writes_nothing(tmp_path):
    assert [path.name for path in write_files(tmp_path, SCHEMA)] == sorted(generated_files(SCHEMA))
    assert write_files(tmp_path, SCHEMA) == []


def test_check_writes_nothing_and_names_what_is_stale(tmp_path):
    (tmp_path / "schema.toml").write_bytes((LABELING / "schema.toml").read_bytes())
    run = CliRunner().invoke(app, ["schema", "--check", "--folder", str(tmp_path)])
    assert isinstance(run.exception, ContractError)
    assert run.exception.exit_code == 5
    assert "label_config.xml, schema.md" in str(run.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["schema.toml"]

    written = CliRunner().invoke(app, ["schema", "--folder", str(tmp_path), "--json"])
    states = [json.loads(line)["state"] for line in written.stdout.splitlines()]
    assert states == ["written", "written"]
    checked = CliRunner().invoke(app, ["schema", "--check", "--folder", str(tmp_path)])
    assert checked.exit_code == 0


@pytest.mark.parametrize("name", sorted(generated_files(SCHEMA)))
def test_a_changed_file_is_stale(tmp_path, name):
    write_files(tmp_path, SCHEMA)
    with (tmp_path / name).open("a") as file:
        file.write("\n")
    assert stale_files(tmp_path, SCHEMA) == [tmp_path / name]


def test_the_guide_names_every_key():
    guide = (LABELING / "guide.md").read_text(encoding="utf-8")
    ranges = {str(digit) for first, last in ((1, 5), (6, 9)) for digit in range(first, last + 1)}
    assert "`1`–`5`" in guide
    assert "`6`–`9`" in guide
    keys = {choice.hotkey for field in SCHEMA.fields for choice in field.choices}
    keys |= {label.hotkey for label in SCHEMA.boxes.labels}
    for key in keys - ranges:
        assert f"`{key.title() if '+' in key else key}`" in guide
