"""The training loop: step, log, validate, draw samples, keep checkpoints; exact to resume.

There is no data loader: the task draws its batch from tensors on the device. Everything random in a
step comes from a generator that is seeded with (seed, step), so a run that was killed and resumed
ends with the weights of an undisturbed one (bit for bit on the same CPU with the same threads).
Between two lines of metrics nothing waits for the device: `benchmarks/gpu.py` lets torch prove it.
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.errors import ContractError
from lowdiff.models.presets import TrainConfig
from lowdiff.sampling.device import Accelerator
from lowdiff.sampling.run_folder import CHECKPOINT_FILE, METRICS_FILE
from lowdiff.training.averages import Averages
from lowdiff.training.checkpoint import Position, load_checkpoint, save_checkpoint, save_snapshot
from lowdiff.training.curves import CURVES_FOLDER
from lowdiff.training.launch import Launch
from lowdiff.training.memory import free_memory, is_out_of_memory, no_memory, parts_of
from lowdiff.training.progress import MetricsLog, OnProgress, Progress
from lowdiff.training.schedule import learning_rate, step_seed
from lowdiff.training.space import check_space, disk_bytes
from lowdiff.training.stop import EarlyStop
from lowdiff.training.task import Batch, Task


class Loop:
    """One training run from where it stands to its last step.

    Args:
        plan: how long and how fast.
        steps: of this run; `plan.steps`, or `plan.continue_steps` when it goes on from a parent.
        seed: of the batches and of dropout.
        folder: the run folder; its checkpoint is read and written.
        launch: how the hardware is used.
    """

    def __init__(
        self,
        task: Task,
        plan: TrainConfig,
        *,
        steps: int,
        seed: int,
        folder: Path,
        accelerator: Accelerator,
        on_progress: OnProgress | None = None,
        launch: Launch | None = None,
    ) -> None:
        self.task, self.plan, self.steps, self.seed = task, plan, steps, seed
        self.folder, self.accelerator, self.on_progress = folder, accelerator, on_progress
        self.launch = launch or Launch()
        self.workers = self.launch.workers
        self.parameters = list(task.module.parameters())
        self.averages = Averages(task.module, plan)
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=plan.learning_rate,
            betas=(0.9, 0.95),
            weight_decay=plan.weight_decay,
            fused=True,
        )
        self.generator = torch.Generator(accelerator.device)
        self.position = load_checkpoint(
            folder / CHECKPOINT_FILE, module=task.module, averages=self.averages,
            optimiser=self.optimiser,
        )  # fmt: skip
        self.parts = max(self.position.parts, self.launch.accumulate, 1)
        self.log = MetricsLog(
            folder / METRICS_FILE, after_step=self.position.step, curves=folder / CURVES_FOLDER,
            writes=self.workers.first,
        )  # fmt: skip
        patience = round(plan.patience * steps) * plan.batch_size
        self.stop = EarlyStop(patience).replay(self.log.kept)

    def run(self) -> Position:
        """Train to the end, or to where it got no better; `averaged()` has the weights afterwards.

        Raises:
            ContractError: the loss is not a number any more.
            ServiceError: the run folder cannot be written, or disk or memory are short.
        """
        if self.workers.first and self.position.step == 0:
            check_space(self.folder, self._disk_bytes())
        if self.launch.compiles_on(self.accelerator.device):
            self.task.compile(self.launch.compiled)
        total = torch.zeros((), device=self.accelerator.device)
        train_s, since_log_s = self.position.train_s, 0.0
        last = self.position.step if self._must_stop() else self.steps
        for step in range(self.position.step, last):
            started = time.perf_counter()
            total += self._step(step)
            done = step % self.plan.log_every + 1
            if done < self.plan.log_every and step + 1 < self.steps:
                since_log_s += time.perf_counter() - started
                continue
            self.workers.add_up([total])
            loss = float(total) / done  # waits for the device
            since_log_s += time.perf_counter() - started
            train_s += since_log_s
            self.position = Position(step + 1, train_s, self.parts)
            self._log(loss, since_log_s, done=done)
            total.zero_()
            since_log_s = 0.0
            if self._must_stop():
                break
        self.log.close()
        return self.position

    def averaged(self) -> nn.Module:
        """The module with its averaged weights, for use, not for more training."""
        best = self.stop.best[1] if self.stop.stopped_at is not None and self.stop.best else None
        images = best or self.position.step * self.plan.batch_size
        self.averages.fill_final(self.task.module, self.folder, images=images)
        return self.task.module.eval()

    def told(self) -> dict[str, Any]:
        """What a run's summary begins with."""
        return {
            "steps": self.position.step,
            "images_seen": self.position.step * self.plan.batch_size,
            "train_s": round(self.position.train_s, 1),
            "parameters": sum(parameter.numel() for parameter in self.parameters),
            **self.stop.told(),
        }

    def _disk_bytes(self) -> int:
        every = self.plan.snapshot_every
        return disk_bytes(
            sum(parameter.numel() for parameter in self.parameters),
            kept=len(self.averages.emas),
            snapshots=self.steps // every if every else 0,
        )

    def _must_stop(self) -> bool:
        return self.workers.agree(self.stop.stopped_at is not None)

    def _step(self, step: int) -> Float[Tensor, ""]:
        self.launch.begin_step(self.accelerator.device)
        rate = learning_rate(step, steps=self.steps, plan=self.plan)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        seed = step_seed(self.seed, step)
        self.generator.manual_seed(seed)
        batch: Batch = self.task.batch(self.generator, seed)
        loss = self._gradients(batch, step)
        self.workers.add_up([one.grad for one in self.parameters if one.grad is not None])
        nn.utils.clip_grad_norm_(self.parameters, self.plan.clip_norm)
        self.optimiser.step()
        if (step + 1) % self.plan.ema_every == 0 or step + 1 == self.steps:
            self.averages.update(self.parameters, step + 1)
        return loss

    def _gradients(self, batch: Batch, step: int) -> Float[Tensor, ""]:
        """Fill the gradients of a batch, in smaller parts where the memory is short."""
        while True:
            try:
                return self._backward(batch, step)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                problem = str(error).splitlines()[0]
            # outside of `except`, so that nothing holds the tensors of the failed try
            if self.parts >= len(batch):
                raise no_memory(self.folder.name, 1)
            self.parts *= 2
            self.launch.tell(
                f"memory is short ({problem}): each batch of {len(batch)} is computed in "
                f"{self.parts} parts from here on, with the same result"
            )
            free_memory(self.accelerator.device)

    def _backward(self, batch: Batch, step: int) -> Float[Tensor, ""]:
        self.optimiser.zero_grad(set_to_none=True)
        # dropout knows only the global generator
        torch.manual_seed(step_seed(self.seed, step, self.workers.rank))
        total = torch.zeros((), device=self.accelerator.device)
        mine = self.workers.rows(len(batch))
        for part in parts_of(mine, self.parts):
            whole = part == slice(0, len(batch))
            share = 1.0 if whole else (part.stop - part.start) / len(batch)
            with self.accelerator.autocast():
                loss = self.task.loss(batch if whole else batch.rows(part))
            (loss if whole else loss * share).backward()  # type: ignore[no-untyped-call]
            total += loss.detach() * share
        return total

    def _log(self, loss: float, seconds: float, *, done: int) -> None:
        """Write the metrics of the last `done` steps, and what is due besides."""
        step = self.position.step
        if loss != loss or loss == float("inf"):
            raise self._not_a_number(step)
        images = self.plan.batch_size
        progress = Progress(
            step=step,
            steps=self.steps,
            images_seen=step * images,
            images=self.steps * images,
            loss=loss,
            images_per_s=done * images / max(seconds, 1e-9),
            eta_s=self.position.train_s / step * (self.steps - step),
        )
        if not self.workers.first:
            return
        row = {**asdict(progress), "elapsed_s": self.position.train_s}
        row |= self._extras(step)
        row = {k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}
        self.log.write(row)
        self.stop.look(row)
        self._keep(step)
        if self.on_progress is not None:
            self.on_progress(progress)

    def _extras(self, step: int) -> dict[str, Any]:
        """Validation figures and sample grids, when they are due; they see the average."""
        last = step == self.steps
        validate = last or step % self.plan.validate_every == 0
        draw = last or step % self.plan.sample_every == 0
        if not (validate or draw):
            return {}
        with self.averages.shown(self.task.module) as module:
            if draw:
                self.task.draw(module, self.folder / "samples" / f"step_{step:06d}.png")
            return self.task.validate(module) if validate else {}

    def _keep(self, step: int) -> None:
        """The snapshot and the checkpoint, where they are due."""
        every = self.plan.snapshot_every
        if every and (step % every == 0 or step == self.steps):
            save_snapshot(self.folder, self.averages, images=step * self.plan.batch_size)
        if step % self.plan.checkpoint_every == 0 and step < self.steps:
            save_checkpoint(
                self.folder / CHECKPOINT_FILE,
                module=self.task.module,
                averages=self.averages,
                optimiser=self.optimiser,
                position=self.position,
            )

    def _not_a_number(self, step: int) -> ContractError:
        return ContractError(
            self.folder.name,
            f"the loss is not a number at step {step} ({step * self.plan.batch_size:,} images)",
            reason="loss_not_a_number",
            found=f"a learning rate of {self.plan.learning_rate}",
            do="Lower the learning rate of the preset, or look for broken images in the dataset.",
        )
