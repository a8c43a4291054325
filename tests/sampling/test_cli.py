import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lowdiff.cli.app import app
from lowdiff.errors import InputError
from lowdiff.sampling.files import read_origin


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
        "--guidance", "3", "--size", "24", "--device", "cpu", "--out", str(tmp_path),
    )  # fmt: skip
    assert [(row["prompt"], row["seed"]) for row in rows] == [
        ("a raccoon", 5), ("a raccoon", 6), ("a red “circle”", 5), ("a red “circle”", 6),
    ]  # fmt: skip
    for row in rows:
        origin = read_origin(Path(str(row["file"])))
        assert origin == {key: str(value) for key, value in row.items() if key != "file"}
        assert origin["run"] == lab.unet_run.run_id
        assert origin["dataset"] == lab.version.digest
    assert len(list(tmp_path.iterdir())) == 4


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


def test_a_run_that_is_not_there_is_refused(run):
    with pytest.raises(InputError, match=r"unet-nothere.*no such run"):
        run("generate", "a raccoon", "--run", "unet-nothere")


def test_a_run_of_another_kind_is_refused(lab, run):
    with pytest.raises(InputError, match="a unet run that is done"):
        run("generate", "a raccoon", "--run", lab.vae_run.run_id)
