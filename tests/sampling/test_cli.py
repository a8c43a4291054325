import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lowdiff.cli.app import app
from lowdiff.errors import InputError
from lowdiff.sampling.files import read_origin
from tests.training.drawn import draw


@pytest.fixture
def run(lab, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(lab.workspace.root))

    def call(*arguments: str) -> list[dict[str, object]]:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    return call


def test_generate_writes_pictures_that_know_their_origin(lab, run, tmp_path: Path):
    rows = run(
        "generate", "a raccoon", "a red “circle”", "--count", "2", "--seed", "5", "--steps", "2",
        "--guidance", "3", "--size", "24x16", "--size", "32", "--device", "cpu",
        "--out", str(tmp_path),
    )  # fmt: skip
    wanted = [(text, seed) for text in ("a raccoon", "a red “circle”") for seed in (5, 6)]
    assert [(row["prompt"], row["seed"], row["size"]) for row in rows] == [
        (*one, size) for size in ("24x16", "32x32") for one in wanted
    ]
    for row in rows:
        path = Path(str(row["file"]))
        origin = read_origin(path)
        assert origin == {key: str(value) for key, value in row.items() if key != "file"}
        assert (origin["run"], origin["mode"]) == (lab.unet_run.run_id, "generate")
        assert origin["dataset"] == lab.version.digest
        with Image.open(path) as picture:
            assert f"{picture.width}x{picture.height}" == origin["size"]
    assert len(list(tmp_path.iterdir())) == 8


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    path = tmp_path / "fox.png"
    draw("triangle", (220, 120, 20), 24, size_px=40).save(path)
    return path


def test_edit_writes_pictures_that_know_what_was_changed(run, fox: Path, tmp_path: Path):
    quick = ["--steps", "2", "--count", "2", "--device", "cpu", "--out", str(tmp_path / "out")]
    edited = run("edit", str(fox), "a red circle", "--strength", "0.7", *quick)
    varied = run("edit", str(fox), *quick)
    assert [row["mode"] for row in edited + varied] == ["edit"] * 2 + ["variation"] * 2
    for row in edited + varied:
        origin = read_origin(Path(str(row["file"])))
        assert origin["source"] == sha256(fox.read_bytes()).hexdigest()
        assert origin == {key: str(value) for key, value in row.items() if key != "file"}
    assert len({row["file"] for row in edited + varied}) == 4


def test_inpaint_keeps_every_pixel_outside_of_the_mask(run, fox: Path, tmp_path: Path):
    mask = Image.new("L", (40, 40), 0)
    mask.paste(255, (10, 5, 33, 28))
    mask.save(tmp_path / "hole.png")
    (row,) = run(
        "inpaint", str(fox), str(tmp_path / "hole.png"), "a blue square", "--steps", "2",
        "--device", "cpu", "--out", str(tmp_path),
    )  # fmt: skip
    with Image.open(str(row["file"])) as found, Image.open(fox) as before:
        difference = np.abs(np.asarray(found).astype(int) - np.asarray(before).astype(int))
    inside = np.asarray(mask) > 0
    assert difference[~inside].max() == 0
    assert difference[inside].max() > 0
    assert row["mask"] == sha256((tmp_path / "hole.png").read_bytes()).hexdigest()


def test_a_walk_between_two_prompts_knows_how_far_it_is(run, tmp_path: Path):
    rows = run(
        "generate", "a circle", "a square", "--between", "3", "--steps", "1", "--device", "cpu",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert [(row["share"], row["to_prompt"]) for row in rows] == [
        (0.0, "a square"), (0.5, "a square"), (1.0, "a square"),
    ]  # fmt: skip
    assert len({row["file"] for row in rows}) == 3


def test_a_prompt_that_is_too_long_is_told(lab, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(lab.workspace.root))
    words = ["generate", "a raccoon " * 200, "--steps", "1", "--device", "cpu"]
    result = CliRunner().invoke(app, [*words, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "reads 128 tokens" in result.stderr


def test_training_by_command_finds_the_finished_runs(lab, run):
    (vae,) = run("train", "vae", "--preset", "tiny", "--device", "cpu")
    assert (vae["run"], vae["found"]) == (lab.vae_run.run_id, True)
    (unet,) = run(
        "train", "unet", "--preset", "tiny", "--vae", lab.vae_run.run_id, "--device", "cpu"
    )
    assert (unet["run"], unet["found"]) == (lab.unet_run.run_id, True)


def test_a_child_by_command_takes_its_parents_autoencoder(lab, run):
    lab.vae(seed=9)  # the newest is not the parent's
    (child,) = run(
        "train", "unet", "--preset", "tiny", "--parent", lab.unet_run.run_id, "--device", "cpu"
    )
    config = json.loads((Path(str(child["folder"])) / "config.json").read_text())
    assert config["vae_run_id"] == lab.vae_run.run_id
    assert config["parent_run_id"] == lab.unet_run.run_id


def test_another_objective_by_command_is_kept_by_its_children(lab, run):
    words = ["train", "unet", "--preset", "tiny", "--device", "cpu"]
    (story,) = run(*words, "--vae", lab.vae_run.run_id, "--objective", "story")
    (child,) = run(*words, "--parent", str(story["run"]))
    for row in (story, child):
        config = json.loads((Path(str(row["folder"])) / "config.json").read_text())
        assert (config["objective"]["path"], config["objective"]["prediction"]) == ("course", "eps")
    rows = run(
        "generate", "a circle", "--run", str(child["run"]), "--sampler", "ddpm", "--steps", "5",
        "--device", "cpu", "--out", str(lab.workspace.root / "story"),
    )  # fmt: skip
    assert len(rows) == 1


def test_a_run_that_is_not_there_is_refused(run):
    with pytest.raises(InputError, match=r"unet-nothere.*no such run"):
        run("generate", "a raccoon", "--run", "unet-nothere")


def test_a_run_of_another_kind_is_refused(lab, run):
    with pytest.raises(InputError, match="a unet run that is done"):
        run("generate", "a raccoon", "--run", lab.vae_run.run_id)
