"""Correcting a mistake: preview, history, what is affected, and the next retraining."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from lowdiff.catalog.label_tables import CorrectionMark
from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import LabelEvent, Run
from lowdiff.catalog.versions import start_run
from lowdiff.cli.app import app
from lowdiff.datasets.export import export_version
from lowdiff.errors import InputError
from lowdiff.labels.accept.evidence import gather_samples
from lowdiff.labels.accept.policy import by_confidence
from lowdiff.labels.correct import plan_correction
from lowdiff.labels.progress.pace import read_visits
from lowdiff.ops.project import open_project
from lowdiff.ops.retrain import changes_since
from tests.labels.corpus import SEEN_AT, add_drafted, draft
from tests.labels.forms import SCHEMA


@pytest.fixture
def ids(catalog, store):
    """Eight images; the machine called three of them photos."""
    found = add_drafted(catalog, store, range(8))
    draft(catalog, found[:3], background=("photo", 0.9))
    return found


@pytest.fixture
def export(catalog, store, workspace):
    def run():
        return export_version(
            catalog=catalog, store=store, workspace=workspace, name="brand", image_px=32,
            policy=by_confidence(0.7), schema=SCHEMA, now=lambda: SEEN_AT,
        ).version  # fmt: skip

    return run


@pytest.fixture
def correct(workspace, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("LOWDIFF_ACCEPTANCE", "confidence")
    monkeypatch.setenv("LOWDIFF_ACCEPT_CONFIDENCE", "0.7")

    def run(*arguments: str) -> dict:
        result = CliRunner().invoke(app, ["label", "correct", *arguments, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


PHOTOS = ("--where", "background=photo", "--set", "background=plain")
BECAUSE = ("--reason", "stickers are no photos", "--by", "ben@brand.org", "--apply")


def events(catalog) -> int:
    with catalog.read() as session:
        return session.scalar(select(func.count()).select_from(LabelEvent)) or 0


def a_run(identity: str, digest: str, **more) -> Run:
    return Run(
        id=identity, kind=identity.split("-")[0], preset="tiny", state="done",
        dataset_digest=digest, path=f"runs/{identity}", summary={}, **more,
    )  # fmt: skip


def test_without_apply_nothing_is_written(catalog, ids, correct):
    before = events(catalog)
    found = correct(*PHOTOS)
    assert (found["applied"], found["images"]) == (False, 3)
    assert {one["image_id"] for one in found["replaced"]} == set(ids[:3])
    assert {one["old"] for one in found["replaced"]} == {"photo"}
    assert events(catalog) == before


def test_a_correction_is_history_above_all_and_says_who_and_why(catalog, ids, correct):
    before = events(catalog)
    found = correct(*PHOTOS, *BECAUSE)
    assert events(catalog) == before + 3
    with catalog.read() as session:
        for image_id in ids[:3]:
            label = current_labels(session, [image_id])[image_id]["background"]
            assert (label.value, label.origin) == ("plain", "adjudicated")
            assert label.actor == "ben@brand.org"
    result = CliRunner().invoke(app, ["label", "corrections", "--json"])
    (kept,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (kept["id"], kept["reason"]) == (found["correction"], "stickers are no photos")
    assert correct(*PHOTOS, *BECAUSE)["images"] == 0


def test_versions_and_runs_with_the_old_value_are_marked_and_others_are_not(
    catalog, ids, correct, export
):
    draft(catalog, ids[:3], background=("plain", 0.9))
    innocent = export()
    draft(catalog, ids[:3], background=("photo", 0.9))
    guilty = export()
    late = SEEN_AT + timedelta(hours=1)
    with catalog.write() as session:
        for run in (
            a_run("vae-0", innocent.digest, created_at=SEEN_AT),
            a_run("vae-1", guilty.digest, created_at=SEEN_AT),
            a_run("unet-1", innocent.digest, vae_run_id="vae-1", created_at=late),
            a_run("unet-0", innocent.digest, vae_run_id="vae-0", created_at=late),
        ):
            start_run(session, run)
    found = correct(*PHOTOS, *BECAUSE)
    affected = [(one["kind"], one["name"], one["images"]) for one in found["affected"]]
    assert affected == [("dataset", "brand@2", 3), ("run", "vae-1", 3), ("run", "unet-1", 3)]
    with catalog.read() as session:
        marks = {(mark.kind, mark.target) for mark in session.scalars(select(CorrectionMark))}
    assert marks == {("dataset", guilty.digest), ("run", "vae-1"), ("run", "unet-1")}


def test_the_next_export_and_the_retraining_see_exactly_the_corrected_images(
    catalog, workspace, ids, correct, export
):
    before = export()
    correct(*PHOTOS, *BECAUSE)
    after = export()
    assert after.number == before.number + 1
    with open_project(workspace.root) as project:
        diff = changes_since(project, before.digest)
    changed = {(one.image_id, one.column, one.old, one.new) for one in diff.changed}
    assert changed == {(image_id, "background", "photo", "plain") for image_id in ids[:3]}
    assert after.manifest["recipe"]["acceptance"]["mode"] == "confidence"


def test_a_version_whose_files_are_gone_is_judged_by_its_members(catalog, ids, correct, export):
    version = export()
    for file in version.folder.rglob("*"):
        if file.is_file():
            file.unlink()
    (affected,) = correct(*PHOTOS)["affected"]
    assert (affected["name"], affected["images"]) == ("brand@1", 3)


@pytest.mark.parametrize(
    ("where", "number"),
    [
        (["source=test"], 3),
        (["source=elsewhere"], 0),
        (["drafter=background"], 3),
        (["drafter=other"], 0),
        (["origin=human"], 0),
        (["by=background/1", "saturation=vivid"], 3),
        (["saturation=grey"], 0),
        (["flags="], 3),
        (["flags=unusable"], 0),
    ],
)
def test_all_conditions_hold_together(catalog, ids, where, number):
    with catalog.read() as session:
        found = plan_correction(
            session, SCHEMA, where=["background=photo", *where], change="background=plain"
        )
    assert len(found.replaced) == number


def test_one_image_is_found_by_the_beginning_of_its_id(catalog, ids):
    with catalog.read() as session:
        found = plan_correction(
            session, SCHEMA, where=[f"image={ids[4][:12]}"], change="flags=unusable"
        )
    assert [one.image_id for one in found.replaced] == [ids[4]]
    assert found.value == ["unusable"]


@pytest.mark.parametrize(
    ("where", "change", "words"),
    [
        (["background=photo"], "background=blurred", "does not know"),
        (["background=blurred"], "background=plain", "does not know"),
        (["colour=red"], "background=plain", "nothing that labels say"),
        (["background"], "background=plain", "no condition"),
        (["source=own"], "source=mine", "nothing that labels say"),
        ([], "background=plain", "at least one condition"),
    ],
)
def test_a_wrong_query_says_what_is_allowed(catalog, where, change, words):
    with catalog.read() as session, pytest.raises(InputError, match=words):
        plan_correction(session, SCHEMA, where=where, change=change)


def test_a_correction_is_neither_an_audit_nor_a_visit(catalog, ids, correct):
    correct(*PHOTOS, *BECAUSE)
    with catalog.read() as session:
        assert gather_samples(session, SCHEMA, audit_share=1.0) == []
        assert read_visits(session) == []
