"""One process or several, one GPU each: `torchrun --nproc-per-node 4 -m lowdiff train unet …`.

Every process draws the same batch from the same seed and computes its own rows of it; the gradients
are added up over the processes before each step. So several processes train what one would, and all
hold the same weights. The first one alone writes the run folder and the catalog.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Workers:
    """The processes that train one run.

    Attributes:
        rank: of this process, 0 for the first.
        count: of all.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """True in the one process that writes."""
        return self.rank == 0

    def rows(self, total: int) -> slice:
        """The rows of a batch that are this process's; a remainder goes to the first ones."""
        each, over = divmod(total, self.count)
        start = self.rank * each + min(self.rank, over)
        return slice(start, start + each + (self.rank < over))

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the processes, in one message."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def agree(self, choice: bool) -> bool:
        """What the first process decided; the others' own view does not count."""
        if self.count == 1:
            return choice
        told = [choice]
        dist.broadcast_object_list(told, src=0)
        return told[0]

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.count > 1:
            dist.barrier()

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """The first process does what is inside before the others: they find it in the cache."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()


def join_workers() -> Workers:
    """The processes that torchrun started (it says so in the environment); alone otherwise."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Workers()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return Workers(dist.get_rank(), dist.get_world_size())
