import os
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from lowdiff.errors import ServiceError
from lowdiff.models.presets import TrainConfig
from lowdiff.sampling.device import pick_accelerator
from lowdiff.sampling.snapshots import averaged_weights, list_snapshots
from lowdiff.training.launch import Launch
from lowdiff.training.loop import Loop
from lowdiff.training.memory import parts_of
from lowdiff.training.progress import read_metrics
from lowdiff.training.stop import EarlyStop

PLAN = TrainConfig(
    steps=20, continue_steps=5, batch_size=8, learning_rate=1e-2, ema_stds=(0.05, 0.10),
    ema_every=2, log_every=2, checkpoint_every=4, validate_every=4, sample_every=20,
    snapshot_every=4,
)  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """A batch of points."""

    points: Tensor

    def __len__(self) -> int:
        return len(self.points)

    def rows(self, part: slice) -> "Rows":
        return Rows(self.points[part])


class Squares:
    """Learn the square of a number; `fits` rows fit into its memory."""

    def __init__(self, *, fits: int = 1000, losses: list[float] | None = None) -> None:
        torch.manual_seed(0)
        self.module = nn.Sequential(nn.Linear(1, 16), nn.SiLU(), nn.Linear(16, 1)).double()
        self.fits, self.losses = fits, losses
        self.seen: list[int] = []

    def batch(self, generator: torch.Generator, seed: int) -> Rows:
        return Rows(torch.rand((PLAN.batch_size, 1), generator=generator, dtype=torch.float64))

    def loss(self, batch: Rows) -> Tensor:
        if len(batch) > self.fits:
            raise torch.OutOfMemoryError("tried to allocate 9 GiB")
        self.seen.append(len(batch))
        return (self.module(batch.points) - batch.points.square()).square().mean()

    def compile(self, how: object) -> None:
        raise AssertionError("a CPU run is never compiled")

    def validate(self, averaged: nn.Module) -> dict[str, object]:
        if self.losses is None:
            return {}
        return {"val_loss_by_time": [9.0, *[self.losses.pop(0)] * 3, 9.0]}

    def draw(self, averaged: nn.Module, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def run(folder: Path, task: Squares, plan: TrainConfig = PLAN, **launch: object) -> Loop:
    folder.mkdir(parents=True, exist_ok=True)
    loop = Loop(
        task, plan, steps=plan.steps, seed=0, folder=folder, accelerator=pick_accelerator("cpu"),
        launch=Launch(compile="graphs", **launch),
    )  # fmt: skip
    loop.run()
    return loop


def apart(first: nn.Module, second: nn.Module) -> float:
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


def test_a_batch_in_parts_trains_the_same(tmp_path):
    whole, parts = Squares(), Squares()
    run(tmp_path / "whole", whole)
    run(tmp_path / "parts", parts, accumulate=3)
    assert parts.seen[:3] == [2, 3, 3]
    assert apart(whole.module, parts.module) < 1e-12


def test_a_batch_that_does_not_fit_is_halved_until_it_does_and_a_person_is_told(tmp_path):
    whole, small = Squares(), Squares(fits=2)
    told: list[str] = []
    run(tmp_path / "whole", whole)
    run(tmp_path / "small", small, tell=told.append)
    assert apart(whole.module, small.module) < 1e-12
    assert [line for line in told if "4 parts" in line]
    assert set(small.seen) == {2}


def test_not_even_one_image_in_memory_is_one_clear_error(tmp_path):
    with pytest.raises(ServiceError, match=r"not enough memory.*smaller preset"):
        run(tmp_path, Squares(fits=0))


def test_parts_hold_every_row_once():
    for rows, parts in ((slice(0, 8), 3), (slice(3, 5), 9), (slice(0, 1), 1)):
        cut = parts_of(rows, parts)
        assert [row for part in cut for row in range(part.start, part.stop)] == list(
            range(rows.start, rows.stop)
        )
        assert all(part.stop > part.start for part in cut)


def test_the_averages_of_a_resumed_run_and_its_snapshots_are_those_of_a_calm_one(tmp_path):
    calm, torn = Squares(), Squares()
    calm_loop = run(tmp_path / "calm", calm)
    stopped = iter([False] * 4 + [True])

    def interrupt(_progress: object) -> None:
        if next(stopped):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Loop(
            torn, PLAN, steps=PLAN.steps, seed=0, folder=made(tmp_path / "torn"),
            accelerator=pick_accelerator("cpu"), on_progress=interrupt,
        ).run()  # fmt: skip
    again = Squares()
    torn_loop = run(tmp_path / "torn", again)
    assert apart(calm_loop.averaged(), torn_loop.averaged()) == 0
    kept = [list_snapshots(tmp_path / name) for name in ("calm", "torn")]
    assert [one.images for one in kept[0]] == [32, 64, 96, 128, 160]
    for one, other in zip(*kept, strict=True):
        first, second = load_file(one.path), load_file(other.path)
        assert all(torch.equal(first[name], second[name]) for name in first)
    assert list((tmp_path / "torn" / "tensorboard").glob("events*"))


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_a_run_that_gets_no_better_stops_and_keeps_its_best_average(tmp_path):
    plan = replace(PLAN, patience=0.4)
    task = Squares(losses=[3.0, 2.0, 2.5, 2.6, 2.7])
    loop = run(tmp_path / "stopped", task, plan=plan)
    told = loop.told()
    assert (told["steps"], told["best_images_seen"]) == (16, 64)
    assert "keeps the average of 64" in told["stopped_early"]
    calm = run(tmp_path / "calm", Squares(), plan=replace(plan, patience=0.0))
    state, _ = averaged_weights(
        list_snapshots(tmp_path / "calm"), relative_std=plan.ema_std, images=64
    )
    kept = dict(loop.averaged().named_parameters())
    assert all(torch.equal(kept[name].float(), state[name]) for name in kept)
    assert apart(loop.task.module, calm.averaged()) > 1e-3  # not the last average


def test_the_same_lines_of_metrics_stop_a_resumed_run_at_the_same_place():
    rows = [
        {"images_seen": images, "val_loss_by_time": [9, loss, loss, loss, 9]}
        for images, loss in ((10, 3.0), (20, 2.0), (30, 2.1), (40, 2.0), (50, 1.0))
    ]
    stop = EarlyStop(20).replay([*rows, {"images_seen": 60}])
    assert (stop.stopped_at, stop.best) == (40, (2.0, 20))
    assert EarlyStop(0).replay(rows).stopped_at is None
    assert EarlyStop(20).replay(rows[:3]).told() == {}


WORKER = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from lowdiff.training.workers import join_workers
from tests.training.test_loop import Squares, run

torch.set_num_threads(1)
workers = join_workers()
task = Squares()
run(Path(sys.argv[1]), task, workers=workers)
name = f"worker{workers.rank}.safetensors"
save_file(dict(task.module.state_dict()), Path(sys.argv[1]).parent / name)
assert workers.count == 2 and set(task.seen) == {4}
"""


def test_two_processes_train_what_one_does_and_only_the_first_writes(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        **os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "PYTHONPATH": str(Path.cwd()),
    }  # fmt: skip
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "run")],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=300) for process in started] == [0, 0]
    alone = Squares()
    run(tmp_path / "alone", alone)
    for rank in range(2):
        state = load_file(tmp_path / f"worker{rank}.safetensors")
        for name, tensor in alone.module.state_dict().items():
            torch.testing.assert_close(state[name], tensor, rtol=0, atol=1e-12)
    rows = [read_metrics(tmp_path / name / "metrics.jsonl") for name in ("run", "alone")]
    assert len(rows[0]) == len(rows[1]) == 10
    assert rows[0][-1]["loss"] == pytest.approx(rows[1][-1]["loss"], rel=1e-5)
