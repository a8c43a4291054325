"""What to do when a batch does not fit into memory: the same batch in smaller parts."""

import gc
from itertools import pairwise

import torch

from lowdiff.errors import ServiceError


def is_out_of_memory(error: BaseException) -> bool:
    """True for what torch and Python say when memory is short, on a GPU or a CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # the CPU's allocator has no exception of its own
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def free_memory(device: torch.device) -> None:
    """Give back what the failed try held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def no_memory(item: object, rows: int) -> ServiceError:
    """The error of a run whose smallest part does not fit."""
    return ServiceError(
        item,
        f"there is not enough memory to train, not even on {rows} image at a time",
        reason="no_memory",
        do="Close what else runs on this device, choose a smaller preset, or pass --device cpu.",
    )


def parts_of(rows: slice, parts: int) -> list[slice]:
    """Cut consecutive rows into at most so many parts of nearly equal size, none of them empty."""
    count = rows.stop - rows.start
    edges = [rows.start + count * i // parts for i in range(parts + 1)]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]
