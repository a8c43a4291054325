import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lowdiff.catalog import open_catalog
from lowdiff.catalog.tables import Run
from lowdiff.errors import ContractError
from lowdiff.sampling.run_folder import CHECKPOINT_FILE
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


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from lowdiff.catalog import open_catalog
from lowdiff.datasets.read import open_version
from lowdiff.workspace import Workspace
from tests.training.trained import Lab

torch.set_num_threads(1)
space = Workspace(Path(sys.argv[1]))
lab = Lab(open_version(space.datasets / "brand" / "v0001"), space, open_catalog(space))
lab.vae(on_progress=lambda p: os.kill(os.getpid(), signal.SIGKILL) if p.step == 10 else None)
"""


def test_a_killed_process_resumes_to_the_same_weights(labs):
    killed, calm = labs
    command = [sys.executable, "-c", KILLED, str(killed.workspace.root)]
    died = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert died.returncode == -signal.SIGKILL
    assert equal(weights(killed.vae()), weights(calm.vae()))
