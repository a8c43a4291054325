import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from lowdiff.catalog import open_catalog
from lowdiff.catalog.tables import Run
from lowdiff.errors import ContractError
from lowdiff.sampling.run_folder import CHECKPOINT_FILE
from lowdiff.sampling.snapshots import list_snapshots
from lowdiff.training.progress import read_metrics
from lowdiff.workspace import Workspace
from tests.training.drawn import drawn_version
from tests.training.trained import Lab, equal, stop_at, weights


@pytest.fixture
def labs(tmp_path: Path, now):
    """Two workspaces with the same dataset: one is disturbed, one is not."""
    opened = []
    for name in ("one", "two"):
        space = Workspace(tmp_path / name).create()
        catalog = open_catalog(space)
        opened.append(Lab(drawn_version(space, catalog, now), space, catalog))
    yield opened
    for lab in opened:
        lab.catalog.close()


def figures(folder: Path) -> list[dict[str, object]]:
    """The metrics without what a clock says."""
    timed = ("images_per_s", "eta_s", "elapsed_s")
    rows = read_metrics(folder / "metrics.jsonl")
    return [{k: v for k, v in row.items() if k not in timed} for row in rows]


@pytest.mark.parametrize("step", [2, 4, 10])
def test_an_interrupted_run_ends_like_an_undisturbed_one(labs, step: int):
    disturbed, calm = labs
    with pytest.raises(KeyboardInterrupt):
        disturbed.vae(on_progress=stop_at(step))
    first, second = disturbed.vae(), calm.vae()
    assert first.run_id == second.run_id
    assert equal(weights(first), weights(second))
    assert figures(first.folder) == figures(second.folder)
    with pytest.raises(KeyboardInterrupt):
        disturbed.unet(first, on_progress=stop_at(step))
    first, second = disturbed.unet(first), calm.unet(second)
    assert first.run_id == second.run_id
    assert equal(weights(first), weights(second))
    assert figures(first.folder) == figures(second.folder)
    assert not (first.folder / CHECKPOINT_FILE).exists()


def test_an_interrupted_run_is_marked_and_then_done(labs):
    lab, _ = labs
    with pytest.raises(KeyboardInterrupt):
        lab.vae(on_progress=stop_at(6))
    with lab.catalog.read() as session:
        assert [row.state for row in session.query(Run)] == ["failed"]
    run = lab.vae()
    with lab.catalog.read() as session:
        assert [(row.id, row.state) for row in session.query(Run)] == [(run.run_id, "done")]


def test_a_checkpoint_that_is_cut_short_is_one_clear_error(labs):
    lab, _ = labs
    with pytest.raises(KeyboardInterrupt):
        lab.vae(on_progress=stop_at(6))
    (checkpoint,) = lab.workspace.runs.glob(f"*/{CHECKPOINT_FILE}")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(ContractError, match=r"no whole checkpoint.*Delete it"):
        lab.vae()
    checkpoint.unlink()
    assert lab.vae().summary["steps"] == 12


TRAIN = """
import os, signal, sys
from pathlib import Path
import torch
from lowdiff.catalog import open_catalog
from lowdiff.datasets.read import open_version
from lowdiff.training.launch import Launch
from lowdiff.workspace import Workspace
from tests.training.trained import Lab

torch.set_num_threads(int(sys.argv[2]))
space = Workspace(Path(sys.argv[1]))
lab = Lab(open_version(space.datasets / "brand" / "v0001"), space, open_catalog(space))
die = lambda p: os.kill(os.getpid(), signal.SIGKILL) if p.step == int(sys.argv[3]) else None
run = lab.vae(on_progress=die)
if len(sys.argv) > 4:
    run = lab.unet(run, on_progress=die, launch=Launch(accumulate=2))
print(run.folder)
"""


def in_a_process(root: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Train in a process of its own, whose threads do not wait busily for each other."""
    quiet = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(
        [sys.executable, "-c", TRAIN, str(root), *map(str, arguments)],
        check=False,
        env={**os.environ, **quiet, "OMP_NUM_THREADS": str(arguments[0])},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_killed_process_resumes_to_the_same_weights(labs):
    killed, calm = labs
    assert in_a_process(killed.workspace.root, 1, 10).returncode == -signal.SIGKILL
    assert equal(weights(killed.vae()), weights(calm.vae()))


@pytest.mark.nightly
def test_two_threads_parts_of_batches_and_a_kill_change_no_bit_of_weights_and_snapshots(labs):
    killed, calm = labs
    dead = in_a_process(killed.workspace.root, 2, 10, "unet")
    assert dead.returncode == -signal.SIGKILL  # in the autoencoder
    assert in_a_process(killed.workspace.root, 2, 6, "unet").returncode == -signal.SIGKILL
    folders = [
        Path(in_a_process(lab.workspace.root, 2, 99, "unet").stdout.strip())
        for lab in (killed, calm)
    ]
    assert folders[0].name == folders[1].name
    assert equal(*(weights(folder) for folder in folders))
    kept = [list_snapshots(folder) for folder in folders]
    assert [one.images for one in kept[0]] == [one.images for one in kept[1]] == [16, 32, 48]
    for one, other in zip(*kept, strict=True):
        assert equal(load_file(one.path), load_file(other.path))


def test_a_folder_of_another_run_is_never_overwritten(labs):
    lab, _ = labs
    with pytest.raises(KeyboardInterrupt):
        lab.vae(on_progress=stop_at(6))
    (config,) = lab.workspace.runs.glob("*/config.json")
    told = json.loads(config.read_text())
    config.write_text(json.dumps({**told, "seed": 7}))
    with pytest.raises(ContractError, match=r"another run of the same id.*another seed"):
        lab.vae()
    assert json.loads(config.read_text())["seed"] == 7
