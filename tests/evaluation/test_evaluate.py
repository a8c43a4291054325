import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.catalog.tables import Image as ImageRow
from lowdiff.datasets.read import Version
from lowdiff.errors import ContractError, InputError
from lowdiff.evaluation.evaluate import Drawing, evaluate_run
from lowdiff.evaluation.judge import judge_run, promoted_run
from lowdiff.evaluation.subjects import choose_subjects
from lowdiff.models.presets import load_preset
from lowdiff.ops.comparison import compare_runs
from lowdiff.ops.project import Project
from lowdiff.sampling.run_folder import weights_sha256
from lowdiff.settings import load_settings
from lowdiff.store import Store, open_store
from lowdiff.training.unet import train_unet
from lowdiff.training.vae import train_vae
from lowdiff.workspace import Workspace
from tests.datasets.conftest import export_from
from tests.datasets.corpus import NOW, draw_corpus, say

DRAWING = Drawing(prompts=10, steps=2)


@dataclass(frozen=True)
class Scene:
    """A drawn corpus, exported, with a trained autoencoder and denoiser."""

    catalog: Catalog
    store: Store
    workspace: Workspace
    version: Version
    vae: Path
    unet: Path


def train_scene(root: Path) -> Scene:
    workspace = Workspace(root).create()
    catalog, store = open_catalog(workspace), open_store(workspace.root)
    draw_corpus(catalog, store, range(45))
    version = export_from(catalog, store, workspace).version
    known = {"preset": load_preset("tiny"), "workspace": workspace, "catalog": catalog}
    vae = train_vae(version, **known).folder
    unet = train_unet(version, vae_dir=vae, **known).folder
    return Scene(catalog, store, workspace, version, vae, unet)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Scene]:
    """For tests that change no run."""
    scene = train_scene(tmp_path_factory.mktemp("shared"))
    yield scene
    scene.catalog.close()


@pytest.fixture
def scene(tmp_path) -> Iterator[Scene]:
    own = train_scene(tmp_path)
    yield own
    own.catalog.close()


def test_a_run_is_measured_once_and_every_figure_has_its_bounds(shared):
    version, vae, unet, cache = shared.version, shared.vae, shared.unet, shared.workspace.cache
    record = evaluate_run(unet, version, cache=cache, drawing=DRAWING, now=lambda: NOW)
    assert json.loads((unet / "evaluation.json").read_text()) == record
    for part, key in (
        ("reconstruction", "psnr_db"),
        ("reconstruction", "ssim"),
        ("retrieval", "top10"),
    ):
        figures = record[part]
        assert np.isfinite([figures[key], figures["floor"][key], figures["ceiling"][key]]).all()
        assert figures["n"] > 0
    for space in ("self", "random"):
        distances = record["distribution"][space]
        for key in ("mind", "kid", "coverage"):
            low, high = distances[f"{key}_interval"]
            assert low <= distances[key] <= high
        assert distances["floor"]["mind"] < distances["ceiling"]["mind"]
        assert distances["floor"]["coverage"] <= distances["ceiling"]["coverage"]
    assert record["distribution"]["copy_rate"] == record["copies"]["rate"]
    for copies in (record["copies"], record["copies"]["self"]):
        assert 0 <= copies["rate"] <= 1
        assert 0 <= copies["calibrated"] <= 1
    assert 0 <= record["labels"]["accuracy"] <= 1
    assert record["labels"]["ceiling"]["accuracy"] >= record["labels"]["floor"]["accuracy"]
    assert "no OCR engine" in record["lettering"]["skipped"]  # none was given
    assert (unet / record["nearest_sheet"]).is_file()
    losses = record["denoising"]
    assert len(losses["bands"]) == 5
    assert losses["gap"] == pytest.approx(losses["validation"] - losses["train"], abs=1e-4)
    assert all("gap" in band for band in losses["bands"])
    assert losses["latent_space"] == weights_sha256(vae)[:12]
    assert losses["n_validation"] == version.rows("validation") > 0
    held_out = version.rows("validation") + version.rows("test")
    drawn = record["generated"]
    assert len(drawn) == max(8, min(10, held_out))
    assert record["seen_prompts"] == max(0, 8 - held_out)
    train_ids = set(version.read("train", ["image_id"])["image_id"])
    for row in drawn:
        assert row["nearest_image_id"] in train_ids
        with Image.open(unet / row["file"]) as image:
            assert image.size == (32, 32)
    for pair in record["reconstruction"]["pairs"]:
        assert (unet / pair["original"]).is_file()
        assert (unet / pair["redrawn"]).is_file()
    written_at = (unet / drawn[0]["file"]).stat().st_mtime_ns

    again = evaluate_run(unet, version, cache=cache, drawing=DRAWING)
    assert again == record
    assert (unet / drawn[0]["file"]).stat().st_mtime_ns == written_at

    forced = evaluate_run(unet, version, cache=cache, drawing=DRAWING, force=True, now=lambda: NOW)
    assert forced | {"seconds": 0} == record | {"seconds": 0}

    only = evaluate_run(vae, version, cache=cache)
    assert only["reconstruction"]["psnr_db"] == record["reconstruction"]["psnr_db"]
    assert "retrieval" not in only


def test_the_promoted_run_is_measured_on_the_new_version_before_it_is_compared(scene):
    workspace, catalog, version, first = scene.workspace, scene.catalog, scene.version, scene.unet

    def measure(on: Version):
        return lambda run: evaluate_run(run, on, cache=workspace.cache, drawing=DRAWING)

    known = {"catalog": catalog, "workspace": workspace}
    assert promoted_run(catalog, workspace, "unet") is None
    record = judge_run(first, version, **known, measure=measure(version))
    assert record["verdict"]["decision"] == "promote"
    assert record["verdict"]["incumbent"] is None
    assert promoted_run(catalog, workspace, "unet") == first

    image_id = version.read("train", ["image_id"])["image_id"][0]
    say(catalog, image_id, "caption", "Corrected.", human="ann@example.org")
    newer = export_from(catalog, scene.store, workspace).version
    second = train_unet(
        newer, vae_dir=scene.vae, preset=load_preset("tiny"), parent=first, **known
    ).folder
    record = judge_run(second, newer, **known, measure=measure(newer))
    assert record["verdict"]["incumbent"] == first.name
    assert len(record["verdict"]["reasons"]) == 3
    foreign = first / f"evaluation-{newer.digest[:12]}.json"
    assert json.loads(foreign.read_text())["dataset"]["version"] == 2
    assert json.loads((first / "evaluation.json").read_text())["dataset"]["version"] == 1
    # asking again about the first run does not compare it with its own child
    again = judge_run(first, version, **known, measure=measure(version))
    assert again["verdict"]["incumbent"] is None


def test_an_unfinished_run_is_refused(shared, tmp_path):
    copy = tmp_path / "unet-copy"
    shutil.copytree(shared.unet, copy)
    (copy / "run.json").unlink()
    with pytest.raises(ContractError, match="not finished"):
        evaluate_run(copy, shared.version, cache=shared.workspace.cache)


def test_a_folder_that_is_no_run_is_refused(shared, tmp_path):
    with pytest.raises(ContractError, match="no whole run"):
        evaluate_run(tmp_path, shared.version, cache=shared.workspace.cache)


def test_a_damaged_evaluation_is_made_again(shared):
    vae = shared.vae
    (vae / "evaluation.json").write_text('{"evaluation_ver')
    record = evaluate_run(vae, shared.version, cache=shared.workspace.cache)
    assert json.loads((vae / "evaluation.json").read_text()) == record


def test_two_runs_are_measured_alike_and_laid_side_by_side(shared):
    workspace, catalog = shared.workspace, shared.catalog
    other = train_unet(
        shared.version, vae_dir=shared.vae, preset=load_preset("tiny"), seed=1,
        workspace=workspace, catalog=catalog,
    ).folder  # fmt: skip
    project = Project(load_settings(workspace.root), workspace, catalog, shared.store)
    runs = [shared.unet.name, other.name]
    path, comparison = compare_runs(project, runs, drawing=DRAWING)
    assert path == workspace.root / "compare.html"
    assert [column.run_id for column in comparison.columns] == runs
    assert all(len(one.drawn) == 2 and all(one.drawn) for one in comparison.shown)
    held_out = shared.version.rows("validation") + shared.version.rows("test")
    assert len(comparison.shown) == max(8, min(10, held_out))
    with pytest.raises(InputError, match="two or more different runs of one kind"):
        compare_runs(project, [shared.unet.name, shared.unet.name], drawing=DRAWING)
    with pytest.raises(InputError, match="of one kind"):
        compare_runs(project, [shared.unet.name, shared.vae.name], drawing=DRAWING)


def test_one_training_image_is_too_few(catalog, store, workspace):
    draw_corpus(catalog, store, range(4))
    ids = draw_corpus(catalog, store, [200])
    with catalog.write() as session:
        for row in session.query(ImageRow).where(ImageRow.id.not_in(ids)):
            session.get_one(ImageRow, row.id).split = "validation"
        session.get_one(ImageRow, ids[0]).split = "train"
    alone = export_from(catalog, store, workspace, name="alone").version
    with pytest.raises(InputError, match="2 or more"):
        choose_subjects(alone, image_px=32, prompts=4)
