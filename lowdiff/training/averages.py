"""The running averages of a run, and the one that its pictures are drawn with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from lowdiff.models.ema import PowerEma, Profile, mix, mixture_of
from lowdiff.models.presets import TrainConfig
from lowdiff.sampling.snapshots import averaged_weights, list_snapshots


class Averages:
    """All averages of a plan, updated together.

    Attributes:
        emas: one per relative deviation that the plan keeps.
        updated: steps that they have seen.
    """

    def __init__(self, module: nn.Module, plan: TrainConfig) -> None:
        self.plan = plan
        stds = plan.ema_stds or (plan.ema_std,)
        self.emas = [PowerEma(module, relative_std=std) for std in stds]
        self.updated = 0

    def update(self, parameters: Sequence[Tensor], step: int) -> None:
        """Take in the weights after so many steps."""
        for ema in self.emas:
            ema.update(parameters, step, self.updated)
        self.updated = step

    def state(self) -> dict[str, Tensor]:
        """Every average by `<relative std>:<parameter>`."""
        return {
            f"{ema.relative_std}:{name}": tensor
            for ema in self.emas
            for name, tensor in ema.state().items()
        }

    def now(self) -> dict[str, Tensor]:
        """The average of the plan's span as well as the running ones alone can tell it."""
        profiles = [Profile(ema.relative_std, 1.0) for ema in self.emas]
        shares = mixture_of(profiles, Profile(self.plan.ema_std, 1.0)).shares
        return mix((ema.state() for ema in self.emas), shares)

    @contextmanager
    def shown(self, module: nn.Module) -> Iterator[nn.Module]:
        """The module with averaged weights inside `with`, and with its own again afterwards."""
        own = [parameter.detach().clone() for parameter in module.parameters()]
        _fill(module, self._exact() or self.now())
        module.eval()
        try:
            yield module
        finally:
            with torch.no_grad():
                for parameter, kept in zip(module.parameters(), own, strict=True):
                    parameter.copy_(kept)
            module.train()

    def fill_final(self, module: nn.Module, folder: Path, *, images: int) -> None:
        """Give the module the weights to use: the plan's average after so many images.

        A span that was kept is exact; another is made from the snapshots in the run folder, or,
        where there are none, from the running averages.

        Raises:
            ContractError: a snapshot is cut short.
        """
        present = images == self.updated * self.plan.batch_size
        exact = self._exact() if present else None
        snapshots = [one for one in list_snapshots(folder) if one.images <= images]
        if exact is None and not (present or snapshots):
            exact = self.now()
        if exact is None:
            running = {ema.relative_std: ema.state() for ema in self.emas} if present else None
            exact, _ = averaged_weights(
                snapshots, relative_std=self.plan.ema_std, images=images, running=running,
                item=folder,
            )  # fmt: skip
        _fill(module, exact)

    def _exact(self) -> dict[str, Tensor] | None:
        kept = [ema for ema in self.emas if ema.relative_std == self.plan.ema_std]
        return kept[0].state() if kept else None


@torch.no_grad()
def _fill(module: nn.Module, state: dict[str, Tensor]) -> None:
    for name, parameter in module.named_parameters():
        parameter.copy_(state[name])
