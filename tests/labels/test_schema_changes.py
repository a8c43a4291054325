"""What a new schema does to labels: told first, refused when it loses some, done once."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from lowdiff.catalog import open_catalog
from lowdiff.catalog.label_tables import GoldItem
from lowdiff.catalog.labels import append_events, current_labels
from lowdiff.catalog.tables import LabelEvent
from lowdiff.cli.app import app
from lowdiff.errors import InputError
from lowdiff.labels.queue.gold import GOLD, list_gold
from lowdiff.labels.schema_changes import Migration, diff_shapes, read_migration, read_shape
from lowdiff.labels.schema_migrate import apply_migration, plan_migration, tally
from tests.labels.corpus import SEEN_AT, add, disc
from tests.labels.forms import SCHEMA

NOW = datetime(2026, 2, 3)
LABELING = Path(__file__).parents[2] / "labeling"
OLD = """
version = "1.0"
field = [
    { name = "caption", kind = "text" },
    { name = "ground", kind = "choice", choice = [{ value = "plain" }, { value = "noise" }] },
    { name = "mood", kind = "choice", choice = [{ value = "glad" }] },
]
boxes = {}
"""
MAPPED = """
from = "1"
to = "2"
field = [{ from = "ground", to = "background" }]
value = [{ field = "background", from = ["noise", "stripes"], to = "pattern" }]
drop = [{ field = "mood", because = "nobody agreed on it" }]
split = [{ field = "layout", value = "side", because = "left or right?" }]
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request, workspace):
    url = None if request.param == "sqlite" else request.getfixturevalue("new_postgres")()
    opened = open_catalog(workspace, url)
    yield opened
    opened.close()


@pytest.fixture
def migration(tmp_path) -> Migration:
    (tmp_path / "1-to-2.toml").write_text(MAPPED)
    return read_migration("1", "2", folder=tmp_path)


def say(catalog, image_id, key, version="1.0", actor="a@b.c", origin="human", **values):
    events = [
        LabelEvent(
            image_id=image_id, field=name, value=value, origin=origin, actor=actor,
            confidence=None, schema_version=version, annotation_key=key, lead_time_s=3.0,
            created_at=SEEN_AT,
        )
        for name, value in values.items()
    ]  # fmt: skip
    with catalog.write() as session:
        append_events(session, events)


def migrate(catalog, migration):
    with catalog.write() as session:
        moves = plan_migration(session, SCHEMA, migration)
        return apply_migration(session, moves, schema=SCHEMA, now=NOW)


def labels(catalog, image_id):
    with catalog.read() as session:
        return current_labels(session, [image_id])[image_id]


def test_labels_move_with_who_said_them_and_the_history_stays(anywhere, store, migration):
    one = add(anywhere, store, disc(1), width_px=120, height_px=90)
    say(anywhere, one, "1:x@t", caption="A disc.", ground="noise", mood="glad", layout="side")
    say(anywhere, one, "2:x@t", actor="b@b.c", ground="stripes", caption="A red disc.")
    say(anywhere, one, None, origin="adjudicated", actor="boss@b.c", logo="present")
    assert migrate(anywhere, migration) == 5
    found = labels(anywhere, one)
    assert {name: (label.value, label.actor) for name, label in found.items()} == {
        "caption": ("A red disc.", "b@b.c"),
        "background": ("pattern", "b@b.c"),
        "logo": ("present", "boss@b.c"),
    }
    assert {label.schema_version for label in found.values()} == {SCHEMA.version}
    assert {label.created_at for label in found.values()} == {SEEN_AT}
    with anywhere.read() as session:
        events = session.scalars(select(LabelEvent).order_by(LabelEvent.id)).all()
        assert [event.schema_version for event in events] == ["1.0"] * 7 + [SCHEMA.version] * 5
        assert plan_migration(session, SCHEMA, migration) == []
    assert migrate(anywhere, migration) == 0


def test_what_would_be_lost_is_named_and_nothing_is_written(anywhere, store):
    ids = [add(anywhere, store, disc(n), width_px=120, height_px=90) for n in range(3)]
    for number, image_id in enumerate(ids):
        say(anywhere, image_id, f"{number}:x@t", ground="noise", layout="diagonal", logo="none")
    with pytest.raises(InputError, match=r"6 labels.*ground noise \(3\), layout diagonal \(3\)"):
        migrate(anywhere, Migration())
    assert labels(anywhere, ids[0])["logo"].schema_version == "1.0"


def test_what_a_person_said_under_the_new_schema_is_the_last_word(anywhere, store):
    one = add(anywhere, store, disc(1), width_px=120, height_px=90)
    say(anywhere, one, "1:x@t", caption="Old.", layout="left")
    say(anywhere, one, "2:x@u", version="2.0", caption="New.")
    assert migrate(anywhere, Migration()) == 1
    found = labels(anywhere, one)
    assert (found["caption"].value, found["layout"].value) == ("New.", "left")


def test_rectangles_of_both_screens_are_carried_over(anywhere, store):
    one = add(anywhere, store, disc(1), width_px=120, height_px=90)
    figure, line = ({"label": label} for label in ("Figure", "Text"))
    say(anywhere, one, "1:x@t", boxes=[figure])
    say(anywhere, one, "2:x@t", text_boxes=[line])
    assert migrate(anywhere, Migration()) == 2
    found = labels(anywhere, one)
    assert (found["boxes"].value, found["text_boxes"].value) == ([figure], [line])
    assert found["text_boxes"].schema_version == SCHEMA.version


def test_known_answers_go_the_way_of_the_labels(anywhere, store, migration):
    image_id = add(anywhere, store, disc(1), width_px=120, height_px=90)
    old = {"ground": "noise", "mood": "glad", "layout": "side"}
    say(anywhere, image_id, f"{GOLD}1", actor="lead@b.c", origin="adjudicated", **old)
    with anywhere.write() as session:
        for name, value in old.items():
            session.add(
                GoldItem(
                    image_id=image_id, field=name, value=value, made_by="lead@b.c", made_at=NOW
                )
            )
    migrate(anywhere, migration)
    with anywhere.read() as session:
        known = [(one.field, one.value, one.made_by) for one in list_gold(session)]
    assert known == [("background", "pattern", "lead@b.c")]


def test_machines_are_not_moved_and_a_split_correction_is_no_silent_loss(catalog, store, migration):
    one = add(catalog, store, disc(1), width_px=120, height_px=90)
    say(catalog, one, None, origin="rule", actor="x/1", ground="noise")
    assert migrate(catalog, migration) == 0
    say(catalog, one, None, origin="adjudicated", layout="side")
    with pytest.raises(InputError, match="layout side"):
        migrate(catalog, migration)


def test_the_preview_counts_by_field_and_value(catalog, store, migration):
    ids = [add(catalog, store, disc(n), width_px=120, height_px=90) for n in range(2)]
    for number, image_id in enumerate(ids):
        say(catalog, image_id, f"{number}:x@t", ground="noise", mood="glad", caption="A disc.")
    with catalog.read() as session:
        rows = tally(plan_migration(session, SCHEMA, migration))
    assert [(r.fate, r.field, r.value, r.becomes, r.labels) for r in rows] == [
        ("dropped", "mood", "glad", "", 2),
        ("moved", "ground", "noise", "background pattern", 2),
        ("kept", "caption", "", "caption", 2),
    ]


def test_a_diff_tells_every_change_and_what_loses_labels(tmp_path, migration):
    (tmp_path / "old.toml").write_text(OLD)
    old, new = read_shape(tmp_path / "old.toml"), read_shape(LABELING / "schema.toml")
    told = {(c.what, c.field, c.value) for c in diff_shapes(old, new, migration) if c.value}
    assert ("renamed", "ground", "noise") not in told
    assert ("merged", "ground", "noise") in told
    assert ("added", "background", "gradient") in told
    whole = {(c.what, c.field) for c in diff_shapes(old, new, migration) if not c.value}
    assert {("renamed", "ground"), ("dropped", "mood"), ("added", "quality")} <= whole
    lost = [(c.field, c.value) for c in diff_shapes(old, new, Migration()) if c.loses]
    assert lost == [("ground", ""), ("mood", "")]


def test_the_step_to_the_present_schema_is_written_and_loses_nothing():
    migration = read_migration("1", "2", folder=LABELING / "migrations")
    assert migration == Migration()


@pytest.mark.parametrize(
    "text",
    ['from = "1"', 'from = "0"\nto = "2"', 'from="1"\nto="2"\n[[drop]]\nfield="x"', "from ="],
)
def test_a_migration_that_breaks_a_rule_is_refused(tmp_path, text):
    (tmp_path / "1-to-2.toml").write_text(text)
    with pytest.raises(InputError, match=r"1-to-2\.toml"):
        read_migration("1", "2", folder=tmp_path)


def test_the_commands_tell_preview_and_do(catalog, store, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))
    one = add(catalog, store, disc(1), width_px=120, height_px=90)
    say(catalog, one, "1:x@t", caption="A disc.", background="plain")
    runner = CliRunner()
    preview = runner.invoke(app, ["schema", "migrate", "--json"])
    assert [json.loads(line)["fate"] for line in preview.stdout.splitlines()] == ["kept", "kept"]
    assert labels(catalog, one)["caption"].schema_version == "1.0"
    assert runner.invoke(app, ["schema", "migrate", "--apply"]).exit_code == 0
    assert labels(catalog, one)["caption"].schema_version == SCHEMA.version
    assert runner.invoke(app, ["schema", "migrate", "--json"]).stdout == ""
    (tmp_path / "old.toml").write_text(OLD)
    told = runner.invoke(app, ["schema", "diff", str(tmp_path / "old.toml"), "--json"])
    assert told.exit_code == 3
    assert {"removed"} <= {json.loads(line)["what"] for line in told.stdout.splitlines()}
