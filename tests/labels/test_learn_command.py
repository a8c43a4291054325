"""`lowdiff draft learn` as it is typed, and its flow's operation: learn, draft anew, resume."""

import json

import pytest
from typer.testing import CliRunner

from lowdiff.catalog.labels import current_labels
from lowdiff.cli.app import app
from lowdiff.ops.learning import learn_drafts
from lowdiff.ops.project import open_project
from tests.labels.forms import SCHEMA
from tests.labels.gallery import Gallery, disc

WORDS = CliRunner()


@pytest.fixture
def taught(workspace, monkeypatch):
    """A workspace in which fifty of seventy discs have a style."""
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("LOWDIFF_WORKERS", "1")
    with open_project(workspace.root) as project:
        gallery = Gallery(project.catalog, project.store)
        for number in range(70):
            one = gallery.put(disc(number, outline=number % 2 == 1))
            if number < 50:
                gallery.judge(one, style="outline" if number % 2 else "flat")
    return gallery.ids


def test_learning_on_the_command_line_drafts_what_is_not_labeled(workspace, taught):
    said = WORDS.invoke(app, ["draft", "learn", "--json"])
    assert said.exit_code == 0, said.output
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    style = next(row for row in rows if row.get("field") == "style")
    assert style["state"] == "trained"
    assert style["accuracy"] > 0.9
    assert rows[-1]["described"] == 70
    assert rows[-1]["redrafted"] == 70
    with open_project(workspace.root) as project, project.catalog.read() as session:
        labels = current_labels(session)
    right = [
        labels[one]["style"].value == ("outline" if number % 2 else "flat")
        for number, one in enumerate(taught)
    ]
    assert sum(right) >= 68


def test_learning_again_without_new_labels_changes_nothing(workspace, taught):
    with open_project(workspace.root) as project:
        learn_drafts(project, SCHEMA)
        again = learn_drafts(project, SCHEMA)
    assert (again.described, again.redrafted.images, again.redrafted.labels) == (0, 0, 0)
    assert {one.state for one in again.heads} == {"kept", "waiting"}


def test_draft_without_a_subcommand_still_drafts(workspace, taught):
    said = WORDS.invoke(app, ["draft", "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout.splitlines()[0])["drafted"] == 0
