import json

import pytest
from typer.testing import CliRunner

from lowdiff.cli.app import app
from lowdiff.errors import InputError
from lowdiff.sampling.snapshots import list_snapshots
from lowdiff.training.average import average_run
from tests.training.trained import Lab, equal, weights


@pytest.fixture
def lab(version, workspace, catalog, monkeypatch) -> Lab:
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))
    return Lab(version, workspace, catalog)


def told(*arguments: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_run_is_trained_averaged_anew_and_exported_from_the_command_line(lab, tmp_path):
    vae, unet = told("train", "estimate", "--preset", "tiny", "--device", "cpu")
    assert (vae["model"], unet["model"]) == ("vae", "unet")
    assert unet["memory_bytes"] == sum(unet["memory"].values())
    (made,) = told("train", "vae", "--preset", "tiny", "--device", "cpu")
    assert made["estimate"]["preset"] == "tiny"
    (run,) = told("train", "unet", "--device", "cpu", "--accumulate", "2")  # the preset of its VAE
    assert run["images_seen"] == 48
    (again,) = told("train", "average", str(run["run"]), "--std", "0.12", "--at", "0.7")
    assert again["images_seen"] == 34
    assert again["profile_error"] >= 0
    folder = lab.workspace.runs / str(again["run"])
    source = lab.workspace.runs / str(run["run"])
    assert not equal(weights(folder), weights(source))
    assert json.loads((folder / "config.json").read_text())["averaged"]["images"] == 34
    assert json.loads((folder / "licences.json").read_text())["images"] == 24
    (exported,) = told("export-model", str(again["run"]), str(tmp_path / "out"))
    assert exported["run"] == again["run"]
    card = (tmp_path / "out" / "README.md").read_text()
    assert "trust_remote_code=True" in card
    for snapshot in list_snapshots(source):
        snapshot.path.unlink()
    with pytest.raises(InputError, match="no snapshot"):
        average_run(
            source, relative_std=0.13, workspace=lab.workspace, catalog=lab.catalog, share=0.5
        )
