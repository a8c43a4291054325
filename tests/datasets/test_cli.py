import json
from typing import Any

import pytest
from typer.testing import CliRunner

from lowdiff.cli.app import app
from tests.datasets.corpus import draw_corpus, say


@pytest.fixture
def run(workspace, monkeypatch):
    monkeypatch.setenv("LOWDIFF_ACCEPTANCE", "confidence")
    monkeypatch.setenv("LOWDIFF_DATASET_IMAGE_PX", "48")
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))

    def call(*arguments: str) -> list[dict[str, Any]]:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    return call


def test_export_list_show_verify_and_diff_tell_one_story(catalog, store, run):
    image_id, *_ = draw_corpus(catalog, store, range(12))
    (first,) = run("export")
    assert (first["version"], first["is_new"]) == (1, True)
    assert run("export")[0]["is_new"] is False
    say(catalog, image_id, "caption", "By hand.", human="ann@example.org")
    (second,) = run("export")
    assert second["counts"]["fields"]["caption"]["human"] == 1
    assert [row["digest"] for row in run("dataset", "list")] == [first["digest"], second["digest"]]
    assert run("dataset", "show", "1")[0]["digest"] == first["digest"]
    assert run("dataset", "verify")[0] == {
        "name": "brand",
        "version": 2,
        "digest": second["digest"],
        "sound": True,
    }
    (diff,) = run("dataset", "diff", "1")
    assert (diff["old"], diff["new"], diff["changed_images"]) == ("brand@1", "brand@2", 1)
    assert diff["changes"][0]["image_id"] == image_id


def test_people_read_counts_and_who_said_it(catalog, store, workspace, monkeypatch):
    monkeypatch.setenv("LOWDIFF_ACCEPTANCE", "confidence")
    monkeypatch.setenv("LOWDIFF_DATASET_IMAGE_PX", "48")
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))
    draw_corpus(catalog, store, range(12))
    result = CliRunner().invoke(app, ["export"])
    assert "brand@1, a new version" in result.stdout
    assert "12 images" in result.stdout
    assert "a machine" in result.stdout
