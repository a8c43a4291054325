"""The training loop: step, log, validate, draw samples, keep checkpoints; exact to resume.

There is no data loader: the task draws its batch from tensors on the device. Everything random in a
step comes from a generator that is seeded with (seed, step), so a run that was killed and resumed
ends with the weights of an undisturbed one (bit for bit on the same CPU with the same threads).
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.errors import ContractError
from lowdiff.models.ema import PowerEma
from lowdiff.models.presets import TrainConfig
from lowdiff.sampling.device import Accelerator
from lowdiff.sampling.run_folder import CHECKPOINT_FILE, METRICS_FILE
from lowdiff.training.checkpoint import Position, load_checkpoint, save_checkpoint
from lowdiff.training.progress import MetricsLog, OnProgress, Progress
from lowdiff.training.schedule import learning_rate, step_seed


class Task(Protocol):
    """What is trained; the loop knows nothing else of it.

    Attributes:
        module: the network whose parameters are trained.
    """

    module: nn.Module

    def loss(self, generator: torch.Generator) -> Float[Tensor, ""]:
        """The loss of a batch that is drawn with this generator."""

    def validate(self, averaged: nn.Module) -> dict[str, Any]:
        """Figures for the metrics, from the averaged weights."""

    def draw(self, averaged: nn.Module, path: Path) -> None:
        """Write a sample grid, drawn with the averaged weights."""


class Loop:
    """One training run from where it stands to its last step.

    Args:
        plan: how long and how fast.
        steps: of this run; `plan.steps`, or `plan.continue_steps` when it goes on from a parent.
        seed: of the batches and of dropout.
        folder: the run folder; its checkpoint is read and written.
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
    ) -> None:
        self.task, self.plan, self.steps, self.seed = task, plan, steps, seed
        self.folder, self.accelerator, self.on_progress = folder, accelerator, on_progress
        self.parameters = list(task.module.parameters())
        self.ema = PowerEma(task.module, relative_std=plan.ema_std)
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=plan.learning_rate,
            betas=(0.9, 0.95),
            weight_decay=plan.weight_decay,
            fused=True,
        )
        self.generator = torch.Generator(accelerator.device)
        self.position = load_checkpoint(
            folder / CHECKPOINT_FILE, module=task.module, ema=self.ema, optimiser=self.optimiser
        )
        self.log = MetricsLog(folder / METRICS_FILE, after_step=self.position.step)

    def run(self) -> Position:
        """Train to the end; the averaged weights are in `averaged()` afterwards.

        Raises:
            ContractError: the loss is not a number any more.
            ServiceError: the run folder cannot be written.
        """
        total = torch.zeros((), device=self.accelerator.device)
        train_s, since_log_s = self.position.train_s, 0.0
        for step in range(self.position.step, self.steps):
            started = time.perf_counter()
            total += self._step(step)
            if (step + 1) % self.plan.log_every and step + 1 < self.steps:
                since_log_s += time.perf_counter() - started
                continue
            loss = float(total) / (step % self.plan.log_every + 1)  # waits for the device
            since_log_s += time.perf_counter() - started
            train_s += since_log_s
            self.position = Position(step + 1, train_s)
            self._log(loss, since_log_s, done=step % self.plan.log_every + 1)
            total.zero_()
            since_log_s = 0.0
        return self.position

    def averaged(self) -> nn.Module:
        """The module with its averaged weights, for use, not for more training."""
        return _Averaged(self.task.module, self.ema).enter()

    def _step(self, step: int) -> Float[Tensor, ""]:
        rate = learning_rate(step, steps=self.steps, plan=self.plan)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        seed = step_seed(self.seed, step)
        self.generator.manual_seed(seed)
        torch.manual_seed(seed)  # dropout knows only the global generator
        with self.accelerator.autocast():
            loss = self.task.loss(self.generator)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, self.plan.clip_norm)
        self.optimiser.step()
        self.ema.update(self.parameters, step + 1)
        return loss.detach()

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
            loss=loss,
            images_per_s=done * images / max(seconds, 1e-9),
            eta_s=self.position.train_s / step * (self.steps - step),
        )
        row = {**asdict(progress), "elapsed_s": self.position.train_s}
        row |= self._extras(step)
        self.log.write({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()})
        if step % self.plan.checkpoint_every == 0 and step < self.steps:
            self._keep()
        if self.on_progress is not None:
            self.on_progress(progress)

    def _extras(self, step: int) -> dict[str, Any]:
        """Validation figures and sample grids, when they are due; they see the average."""
        last = step == self.steps
        validate = last or step % self.plan.validate_every == 0
        draw = last or step % self.plan.sample_every == 0
        if not (validate or draw):
            return {}
        with _Averaged(self.task.module, self.ema) as module:
            if draw:
                self.task.draw(module, self.folder / "samples" / f"step_{step:06d}.png")
            return self.task.validate(module) if validate else {}

    def _keep(self) -> None:
        save_checkpoint(
            self.folder / CHECKPOINT_FILE,
            module=self.task.module,
            ema=self.ema,
            optimiser=self.optimiser,
            position=self.position,
        )

    def _not_a_number(self, step: int) -> ContractError:
        return ContractError(
            self.folder.name,
            f"the loss is not a number at step {step}",
            reason="loss_not_a_number",
            found=f"a learning rate of {self.plan.learning_rate}",
            do="Lower the learning rate of the preset, or look for broken images in the dataset.",
        )


class _Averaged:
    """A module that has its averaged weights inside `with`, and its own again afterwards."""

    def __init__(self, module: nn.Module, ema: PowerEma) -> None:
        self.module, self.ema = module, ema
        self.own = [parameter.detach().clone() for parameter in module.parameters()]

    def enter(self) -> nn.Module:
        """Put the averaged weights in."""
        self.ema.copy_to(self.module)
        return self.module.eval()

    def __enter__(self) -> nn.Module:
        return self.enter()

    def __exit__(self, *_: object) -> None:
        with torch.no_grad():
            for parameter, own in zip(self.module.parameters(), self.own, strict=True):
                parameter.copy_(own)
        self.module.train()
